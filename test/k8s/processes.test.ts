import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { Processes } from "./processes.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "skerry-processes-"));
  folders.push(folder);
  return folder;
}

test("stop ends the processes and removes the folder, unless it is to be kept", async () => {
  for (const keep of [true, false]) {
    const folder = newFolder();
    const processes = new Processes(folder, keep);
    processes.start("one", "sleep", ["1000"]);
    processes.start("two", "sleep", ["1000"]);
    const pids = processes.running.map(({ pid }) => pid);
    expect(pids).toHaveLength(2);
    await processes.stop();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(existsSync(folder)).toBe(keep);
    expect(() => processes.start("late", "sleep", ["1000"])).toThrow("started after the end");
  }
});

test("nothing outlives a parent that dies of SIGKILL", async () => {
  const folder = newFolder();
  const script = `
    import { Processes } from ${JSON.stringify(path.join(import.meta.dirname, "processes.ts"))};
    const processes = new Processes(${JSON.stringify(folder)}, false);
    processes.start("one", "sleep", ["1000"]);
    process.stdout.write(String(processes.running[0].pid));
  `;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [pid] = await once(parent.stdout, "data");
  expect(commandOf(Number(pid))).toContain("sleep");
  parent.kill("SIGKILL");
  while (commandOf(Number(pid)) !== "" || existsSync(folder)) await sleep(20);
});

test("a restarted component is another process on the same log", async () => {
  const processes = new Processes(newFolder(), false);
  const component = processes.start("twice", "sh", ["-c", "echo $$; exec sleep 1000"]);
  const read = () => readFileSync(component.logFile, "utf8").trim().split("\n");
  await processes.until(component, "heard", 10, async () => read().join("") !== "");
  await processes.kill(component);
  expect(processes.running).toEqual([]);
  processes.restart(component);
  await processes.until(component, "heard again", 10, async () => read().length === 2);
  expect(new Set(read()).size).toBe(2);
  await processes.stop();
});

test("what ends instead of coming up is told with its last words", async () => {
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const processes = new Processes(newFolder(), false);
  const component = processes.start("etcd", "sh", ["-c", "echo no such flag >&2; exit 3"]);
  await expect(processes.until(component, "ready", 10, async () => false)).rejects.toThrow(
    "etcd: ended before it was ready; its last words:\nno such flag",
  );
  expect(stderr).toHaveBeenCalledWith(expect.stringContaining("etcd ended by itself (3)"));
  expect(() => processes.start("kwok", "/no/such/binary", [])).toThrow("cannot start /no/such/binary");
  await processes.stop();
  stderr.mockRestore();
});

/** Empty where there is no such process, or only its zombie. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
