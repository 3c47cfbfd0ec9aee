import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { machine } from "../../../shared/node/machine.ts";

const MODULE = new URL("../../../shared/node/machine.ts", import.meta.url).href;

test("all processes of a boot see one clock and one boot; a process that stopped is not gone, one that ended is", async () => {
  const script = `import { machine } from ${JSON.stringify(MODULE)}; console.log(JSON.stringify([machine.boot, machine.now(), machine.self])); setInterval(() => {}, 1000)`;
  const before = machine.now();
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const [boot, now, name] = JSON.parse(chunk.toString()) as [string, number, string];
  expect(boot).toBe(machine.boot);
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(machine.now());
  child.kill("SIGSTOP");
  expect([machine.isGone(name), machine.isGone(machine.self)]).toEqual([false, false]);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  expect(machine.isGone(name)).toBe(true);
});

test("a number that was given anew is another process, and one of another container is not known", () => {
  const [pid, , space] = machine.self.split("@");
  expect(machine.isGone(`${pid}@1@${space}`)).toBe(true);
  expect(machine.isGone(`${pid}@1@pid:[1]`)).toBe(false);
});
