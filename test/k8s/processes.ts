import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../shared/errors.ts";

/**
 * Waits until its standard input closes, which also happens when this process dies of SIGKILL, then ends what is
 * written in the pids file ($1) and removes the folder ($2, if any). Detached, so that Ctrl-C does not reach it.
 */
const REAPER = `read _; kill -9 $(cat "$1") 2>/dev/null; sleep 0.2; [ -z "$2" ] || rm -rf "$2"`;

const TAIL_LINES = 25;

export interface Component {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly logFile: string;
  child: ChildProcess;
  /** Whether it was told to end. */
  told: boolean;
}

/** Child processes that do not outlive this one, however it ends, each with a log file in `folder`. */
export class Processes {
  readonly #folder: string;
  readonly #components: Component[] = [];
  readonly #reaper: ChildProcess;
  #stopping = false;

  /** Where `keep` is false, `folder` goes away with the processes. */
  constructor(folder: string, keep: boolean) {
    this.#folder = folder;
    this.#notePids();
    this.#reaper = spawn("sh", ["-c", REAPER, "sh", this.#pidsFile, keep ? "" : folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
  }

  /** Name and process id of what runs now. */
  get running(): { name: string; pid: number }[] {
    return this.#components.flatMap(({ name, child }) => {
      return child.pid !== undefined && isRunning(child) ? [{ name, pid: child.pid }] : [];
    });
  }

  /**
   * Throws `AppError` "config" where there is no such program, and "internal" once `stop` was called: the reaper would
   * not find what starts after it.
   */
  start(name: string, binary: string, args: readonly string[]): Component {
    const logFile = path.join(this.#folder, `${name}.log`);
    const child = this.#spawn(binary, args, logFile);
    const component = { name, binary, args, logFile, child, told: false };
    this.#components.push(component);
    this.#follow(component);
    return component;
  }

  /** Starts an ended component again, as it was. */
  restart(component: Component): void {
    component.child = this.#spawn(component.binary, component.args, component.logFile);
    component.told = false;
    this.#follow(component);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(component: Component): Promise<void> {
    component.told = true;
    component.child.kill("SIGKILL");
    await ended(component.child);
  }

  /** Ends all; resolves when the processes, and the folder unless it is to be kept, are gone. */
  async stop(): Promise<void> {
    for (const component of this.#components) component.told = true;
    this.#stopping = true;
    this.#reaper.stdin?.end();
    await Promise.all([...this.#components.map(({ child }) => ended(child)), ended(this.#reaper)]);
  }

  /**
   * Asks `check` every 100 ms until it holds. Throws `AppError` "unreachable" with the component's last log lines where
   * it ends before that, or `seconds` pass.
   */
  async until(component: Component, state: string, seconds: number, check: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (isRunning(component.child) && Date.now() < deadline) {
      if (await check()) return;
      await sleep(100);
    }
    const why = isRunning(component.child) ? `not ${state} after ${seconds} s` : `ended before it was ${state}`;
    throw new AppError("unreachable", `${component.name}: ${why}; its last words:\n${tail(component.logFile)}`, {
      where: component.logFile,
    });
  }

  #spawn(binary: string, args: readonly string[], logFile: string): ChildProcess {
    if (this.#stopping) throw new AppError("internal", `${binary} started after the end`);
    const log = openSync(logFile, "a");
    try {
      // HOME, because kwok writes there; nothing else of the surroundings: no KUBE* or proxy setting changes a run.
      const env = { PATH: process.env["PATH"], HOME: this.#folder, TMPDIR: this.#folder };
      const child = spawn(binary, args, { cwd: this.#folder, env, stdio: ["ignore", log, log] });
      if (child.pid !== undefined) return child;
      child.on("error", () => {});
      throw new AppError("config", `cannot start ${binary}`, { fix: "it is missing, or no program of this machine" });
    } finally {
      closeSync(log);
    }
  }

  #follow(component: Component): void {
    this.#notePids();
    component.child.once("exit", (code, signal) => {
      // A process id that is free again may soon be somebody else's: the reaper must not find it.
      if (!this.#stopping) this.#notePids();
      if (component.told) return;
      process.stderr.write(`k8s: ${component.name} ended by itself (${signal ?? code}), see ${component.logFile}\n`);
    });
  }

  get #pidsFile(): string {
    return path.join(this.#folder, "pids");
  }

  #notePids(): void {
    writeFileSync(this.#pidsFile, this.running.map(({ pid }) => `${pid}\n`).join(""));
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function ended(child: ChildProcess): Promise<void> {
  if (isRunning(child)) await new Promise((resolve) => child.once("exit", resolve));
}

function tail(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}
