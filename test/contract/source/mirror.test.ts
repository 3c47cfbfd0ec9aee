import { readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directorySource } from "../../../shared/source/directory.ts";
import { httpMirrorSource } from "../../../shared/source/mirror.ts";
import { at } from "../../../shared/source/mirror-layout.ts";
import { commitToMirror } from "../../lab/mirror/folder.ts";
import { startStaticServer } from "../../lab/mirror/server.ts";
import { sourceSuite } from "./suite.ts";

sourceSuite("mirror over HTTP", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-mirror-"));
  const server = await startStaticServer(folder);
  const source = httpMirrorSource({ url: server.url });
  const { faults } = server;
  return {
    source,
    lacks: ["main"],
    commit: (branch, files, subject, anew) => commitToMirror(folder, branch, files, subject, anew),
    cut: (on) => {
      faults.cut = on;
    },
    damages: (["truncate", "reset", "garble"] as const).flatMap((how) =>
      [0, 3, 20, 60, 100].map((bytes) => (on: boolean) => {
        faults[how] = on ? bytes : null;
      }),
    ),
    stop: async () => {
      await source.close();
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
});

sourceSuite("mirror in a folder", async () => {
  const base = await mkdtemp(join(tmpdir(), "skerry-stick-"));
  const folder = join(base, "stick");
  const list = join(folder, at.versions("pos"));
  let whole: Buffer | null = null;
  const damaged = (damage: () => void) => (on: boolean) => {
    if (on) {
      whole = readFileSync(list);
      damage();
    } else if (whole !== null) writeFileSync(list, whole);
  };
  return {
    source: directorySource(folder),
    lacks: ["main"],
    commit: (branch, files, subject, anew) => commitToMirror(folder, branch, files, subject, anew),
    cut: (on) => renameSync(on ? folder : `${folder}.gone`, on ? `${folder}.gone` : folder),
    damages: [
      ...[0, 3, 20, 60].map((bytes) => damaged(() => truncateSync(list, bytes))),
      damaged(() => writeFileSync(list, "no frame")),
    ],
    stop: () => rm(base, { recursive: true }),
  };
});
