/** What polling and an update cost on the line, counted at the socket. */
import { expect, onTestFinished, test } from "vitest";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { openLine } from "../../lab/git/line.ts";
import { commitFiles, type Files } from "../../lab/git/repository.ts";
import { gitLab } from "./git-lab.ts";

const ONLY = ["trust", "sites-3", "bundles/"];

/** 300 files that no packer can guess, and a list of them on one line. */
function version(changed: number): Files {
  const files = Array.from({ length: 300 }, (_, index): [string, string] => [
    `files/${index}.json`,
    `{"greeting":"${index === changed ? "changed" : "hello"}","token":"${sha256Hex(Buffer.from(`${index}`))}"}`,
  ]);
  const list = files.map(([path, text]) => `{"path":"${path}","sha256":"${sha256Hex(Buffer.from(text))}"}`);
  return { "bundle.json": `[${list.join(",")}]`, ...Object.fromEntries(files) };
}

test("a fleet of ten bundles: a poll costs 1.6 KB, a poll with a change of one line 4 KB", async () => {
  const { repository, server, source: open } = await gitLab();
  for (const branch of ["main", "trust", ...Array.from("0123456789abcdef", (h) => `sites-${h}`)]) {
    commitFiles(repository, branch, { a: branch }, "first");
  }
  for (let number = 0; number < 10; number += 1) commitFiles(repository, `bundles/b-${number}`, version(0), "1.0.0");
  const line = await openLine({ port: Number(new URL(server.url).port) });
  onTestFinished(line.stop);
  const url = `http://127.0.0.1:${line.port}/fleet.git`;
  let source = open({ url });
  const newest = async () => source.versions((await source.heads(ONLY)).get("bundles/b-3") ?? "");
  const first = await line.spent(newest);
  expect(first).toBeGreaterThan(20_000);
  expect(await line.spent(() => source.heads(ONLY))).toBeLessThan(1_600);
  commitFiles(repository, "bundles/b-3", version(7), "1.0.1");
  // A site polls more rarely than its child process is kept: it begins anew.
  await source.close();
  source = open({ url });
  const update = await line.spent(async () => {
    const [ref] = await newest();
    if (ref === undefined) throw new Error("no version");
    expect(Buffer.from((await source.manifest(ref)).body).toString()).toBe(version(7)["bundle.json"]);
  });
  expect(update).toBeLessThan(4_000);
  expect(line.counted.connections).toBe(2);
});
