/** Starts, asks, watches and ends the child process that speaks Git. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { AppError } from "../errors.ts";
import type { GitAsk, GitCall, GitCalls, GitRemote, GitReply } from "./git-messages.ts";

export interface GitProcessOptions {
  remote: GitRemote;
  /** Path of the child's script. */
  child: string;
  /** What the child may use, in MiB; bare it takes 64. */
  memoryMb: number;
  /** Milliseconds without a question after which the child is ended. */
  idleMs: number;
  /** Milliseconds that one question may take. */
  deadlineMs: number;
}

/**
 * What the kernel counts as data of an idle Node 24: 582 MiB, of which V8 reserves 512 for code and never touches them. The
 * limit of the kernel catches what grows faster than it is watched; the watch keeps to what is really in memory.
 */
const IDLE_DATA_MB = 600;
const WATCH_MS = 100;

export class GitProcess {
  readonly #options: GitProcessOptions;
  #running: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: GitProcessOptions) {
    this.#options = options;
  }

  /** One question at a time. Throws what the child refused with; `too-large` where it outgrew its memory. */
  ask<C extends GitCall>(call: C, ask: GitCalls[C]["ask"]): Promise<GitCalls[C]["answer"]> {
    const turn = this.#queue.then(() => this.#exchange({ call, ...ask } as unknown as GitAsk));
    this.#queue = turn.catch(() => {});
    return turn as Promise<GitCalls[C]["answer"]>;
  }

  /** For good: what is under way, or asked for later, ends with `unreachable`. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const child = this.#running;
    this.#running = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async #exchange(ask: GitAsk): Promise<GitReply & object> {
    if (this.#closed) throw new AppError("unreachable", "Git is asked nothing any more: this program stops");
    clearTimeout(this.#idle);
    const child = this.#child();
    const { promise, resolve, reject } = Promise.withResolvers<GitReply>();
    const end = (error: AppError) => {
      reject(error);
      child.kill("SIGKILL");
    };
    const exited = (code: number | null, signal: string | null) => reject(death(code, signal));
    const { deadlineMs, memoryMb, remote } = this.#options;
    const late = setTimeout(() => end(new AppError("unreachable", `no end after ${deadlineMs / 1000} s`)), deadlineMs);
    const watch = setInterval(() => {
      if (residentMb(child.pid) > memoryMb) end(new Outgrown());
    }, WATCH_MS);
    const failed = (cause: Error) => reject(new AppError("internal", `cannot start Git: ${cause.message}`, { cause }));
    child.once("message", resolve);
    child.once("exit", exited);
    child.once("error", failed);
    try {
      child.send({ remote, ask }, () => {});
      const reply = await promise;
      if ("code" in reply) throw new AppError(reply.code, reply.what, { ...(reply.fix && { fix: reply.fix }) });
      return reply.answer as GitReply & object;
    } catch (error) {
      // Perhaps it is what lies in the folder that takes so much: the next question begins with an empty one.
      if (error instanceof Outgrown) await rm(remote.dir, { recursive: true, force: true });
      const words = error instanceof AppError ? { where: remote.url, ...(error.fix && { fix: error.fix }) } : {};
      throw error instanceof AppError ? new AppError(error.code, error.message, { ...words, cause: error }) : error;
    } finally {
      clearTimeout(late);
      clearInterval(watch);
      // Those of this exchange alone: whoever ends the child waits for its exit, too.
      child.off("message", resolve).off("exit", exited).off("error", failed);
      this.#rest(child);
    }
  }

  /** A child that lives is kept for the next question. */
  #rest(child: ChildProcess): void {
    if (child.killed || child.exitCode !== null || child.signalCode !== null) this.#running = undefined;
    else this.#idle = setTimeout(() => void this.#end(), this.#options.idleMs).unref();
  }

  #child(): ChildProcess {
    this.#running ??= spawn(
      "sh",
      [
        "-c",
        'ulimit -d "$1"; shift; exec "$@"',
        "sh",
        String(kib(this.#options.memoryMb)),
        process.execPath,
        this.#options.child,
      ],
      { stdio: ["ignore", "ignore", "ignore", "ipc"], serialization: "advanced" },
    );
    return this.#running;
  }
}

function kib(memoryMb: number): number {
  return (IDLE_DATA_MB + memoryMb) * 1024;
}

/** Node dies by a trap or an abort where it gets no memory; `sh` may pass that on as 128 + the signal. */
function death(code: number | null, signal: string | null): AppError {
  if (signal === "SIGTRAP" || signal === "SIGABRT" || code === 133 || code === 134) return new Outgrown();
  if (signal !== null) return new AppError("unreachable", `Git was ended by ${signal}`);
  return new AppError("malformed", `Git failed on what the server sent (exit ${code})`);
}

class Outgrown extends AppError {
  constructor() {
    super("too-large", "what the server sent does not fit into the memory allowed", {
      fix: "look at what is in that repository; if it is as it should be, allow Git more memory",
    });
  }
}

/** 0 where the system does not say. */
function residentMb(pid: number | undefined): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
