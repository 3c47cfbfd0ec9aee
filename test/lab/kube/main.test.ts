import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

test("alone in a process: one line says where it is, and SIGTERM ends it", async () => {
  const child = spawn(process.execPath, [MAIN, "--port", "0", "--token", "T"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { server } = JSON.parse(line.toString()) as { server: string };
  expect(server).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const headers = { authorization: "Bearer T" };
  const version = await fetch(`${server}/version`, { headers });
  expect(await version.json()).toMatchObject({ major: "1", minor: "36" });
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("without a token it says what is missing", async () => {
  const child = spawn(process.execPath, [MAIN], { stdio: ["ignore", "ignore", "pipe"] });
  const [words] = (await once(child.stderr, "data")) as [Buffer];
  expect(words.toString()).toContain("--token");
  expect(await once(child, "exit")).toEqual([2, null]);
});
