import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gitSource } from "../../../shared/source/git.ts";
import { commitFiles, createRepository } from "../../lab/git/repository.ts";
import { startGitServer } from "../../lab/git/server.ts";
import { sourceSuite } from "./suite.ts";

sourceSuite("git over HTTP", async () => {
  const root = await mkdtemp(join(tmpdir(), "skerry-source-"));
  const repository = createRepository(root, "fleet.git");
  const server = await startGitServer({ root });
  const source = gitSource({
    url: `${server.url}/fleet.git`,
    dir: join(root, "objects"),
    child: join(import.meta.dirname, "../../../shared/source/git-child.ts"),
  });
  const { faults } = server;
  return {
    source,
    lacks: ["deltas/pos"],
    commit: (branch, files, subject, anew) => commitFiles(repository, branch, files, subject, anew),
    cut: (on) => {
      faults.cut = on;
    },
    damages: (["truncate", "reset", "garble"] as const).flatMap((how) =>
      [0, 30, 60, 100, 150, 200].map((bytes) => (on: boolean) => {
        faults[how] = on ? bytes : null;
      }),
    ),
    stop: async () => {
      await source.close();
      await server.stop();
      await rm(root, { recursive: true });
    },
  };
});
