/** A line that is cut at any byte, a process that dies in a fetch, a line that crawls. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { AppError } from "../../../shared/errors.ts";
import type { gitSource } from "../../../shared/source/git.ts";
import { openLine } from "../../lab/git/line.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { CHILD, gitLab } from "./git-lab.ts";

const lineLab = async () => {
  const lab = await gitLab();
  const line = await openLine({ port: Number(new URL(lab.server.url).port) });
  onTestFinished(line.stop);
  return { ...lab, line, url: `http://127.0.0.1:${line.port}/fleet.git` };
};
const read = async (source: ReturnType<typeof gitSource>) => {
  const [newest] = await source.versions((await source.heads()).get("bundles/pos") ?? "");
  if (newest === undefined) throw new Error("no version");
  return Buffer.from((await source.manifest(newest)).body).toString();
};

test("a line cut at any byte of any answer: an error, and then the whole", { timeout: 120_000 }, async () => {
  const { repository, line, url, source: open } = await lineLab();
  const source = open({ url });
  commitFiles(repository, "bundles/pos", { "bundle.json": "v0" }, "0");
  await read(source);
  const before = line.counted.down;
  commitFiles(repository, "bundles/pos", { "bundle.json": "v1" }, "1");
  await read(source);
  const total = line.counted.down - before;
  const codes = new Set<string>();
  let point = 0;
  for (let at = 0; at < total - 1; at += 23) {
    point += 1;
    commitFiles(repository, "bundles/pos", { "bundle.json": `at ${at}` }, `1.0.${at}`);
    line.hangUp();
    line.cutAfter(at);
    const failed: unknown = await read(source).catch((error: unknown) => error);
    expect(failed, `cut at ${at}`).toBeInstanceOf(AppError);
    codes.add((failed as AppError).code);
    line.cutAfter(null);
    expect(await read(source), `after a cut at ${at}`).toBe(`at ${at}`);
  }
  expect(point).toBeGreaterThan(40);
  expect([...codes].filter((code) => code !== "unreachable" && code !== "malformed")).toEqual([]);
});

const running = (script: string): number[] =>
  globSync("/proc/[0-9]*/cmdline").flatMap((file) => {
    const words = existsSync(file) ? readFileSync(file, "utf8").split("\0") : [];
    return words.at(-2) === script ? [Number(file.split("/")[2])] : [];
  });
/** A source in the middle of a fetch over a slow line; its child runs under a name of its own. */
const fetching = async () => {
  const lab = await lineLab();
  commitFiles(lab.repository, "bundles/pos", { "bundle.json": "whole", "files/a": randomBytes(300_000) }, "1");
  const child = join(lab.root, "child.ts");
  writeFileSync(child, `import ${JSON.stringify(CHILD)};\n`);
  lab.line.pace(100_000);
  const incoming = join(lab.dir, "bundles+pos/incoming.pack");
  const begun = () => vi.waitFor(() => expect(statSync(incoming).size).toBeGreaterThan(0), { timeout: 20_000 });
  return { ...lab, child, begun };
};

test("the child is killed in the middle of a fetch", async () => {
  const { child, begun, line, url, source: open } = await fetching();
  const source = open({ url, child });
  const failed = read(source).catch((error: unknown) => error);
  await begun();
  const [pid] = running(child);
  process.kill(pid ?? 0, "SIGKILL");
  expect(await failed).toMatchObject({ code: "unreachable" });
  line.pace(null);
  expect(await read(source)).toBe("whole");
});

test("the parent is killed in the middle of a fetch: its child ends, and the next start works", async () => {
  const { child, begun, line, url, dir, source: open } = await fetching();
  const script = `import { gitSource } from ${JSON.stringify(join(CHILD, "../git.ts"))};
    const source = gitSource(${JSON.stringify({ url, dir, child })});
    await source.versions((await source.heads()).get("bundles/pos"));`;
  const parent: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
  await begun();
  expect(running(child)).toHaveLength(1);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(running(child)).toEqual([]), { timeout: 5_000 });
  line.pace(null);
  expect(await read(open({ url }))).toBe("whole");
});

test("a line that crawls is left; one at a radio's pace is not", async () => {
  const { repository, line, url, source: open } = await lineLab();
  commitFiles(repository, "bundles/pos", { "bundle.json": "whole" }, "1");
  const slowest = { bytes: 20, withinMs: 1_000 };
  line.pace(10);
  await expect(open({ url, slowest }).heads()).rejects.toThrow("sends less than 20 bytes in 1 s");
  line.pace(400);
  expect(await read(open({ url, slowest }))).toBe("whole");
});
