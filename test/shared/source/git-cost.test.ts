/** What polling and a delta cost on the line, counted at the socket. */
import { expect, onTestFinished, test } from "vitest";
import { deltaName } from "../../../shared/source/source.ts";
import { openLine } from "../../lab/git/line.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { gitLab, headOf } from "./git-lab.ts";

test("a fleet of ten bundles: a poll costs 3.5 KB, a poll with a delta 5 KB", async () => {
  const { repository, server, source: open } = await gitLab();
  const frame = Uint8Array.from({ length: 105 }, (_, index) => (index * 7919 * index) % 251);
  const [one, two] = ["1".repeat(64), "2".repeat(64)];
  for (const branch of ["main", "trust", ...Array.from("0123456789abcdef", (h) => `sites-${h}`)]) {
    commitFiles(repository, branch, { a: branch }, "first");
  }
  for (let number = 0; number < 10; number += 1) {
    commitFiles(repository, `bundles/bundle-${number}`, { "bundle.json": `${number}` }, "1.0.0");
    commitFiles(repository, `deltas/bundle-${number}`, { [deltaName(one)]: frame }, "1.0.0");
  }
  const line = await openLine({ port: Number(new URL(server.url).port) });
  onTestFinished(line.stop);
  const source = open({ url: `http://127.0.0.1:${line.port}/fleet.git` });
  const poll = await line.spent(() => source.heads());
  expect(poll).toBeLessThan(3_500);
  commitFiles(repository, "deltas/bundle-3", { [deltaName(one)]: frame, [deltaName(two)]: frame }, "1.0.1", true);
  // A site polls more rarely than its child process is kept: it begins anew.
  await source.close();
  const update = await line.spent(async () => {
    expect(await source.delta(await headOf(source, "deltas/bundle-3"), two)).toHaveLength(105);
  });
  expect(update).toBeLessThan(5_000);
  expect(line.counted.connections).toBe(2);
});
