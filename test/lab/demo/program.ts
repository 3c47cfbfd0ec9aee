import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

/** One of our programs as a real process. Its log goes to a file; lines can be waited for. */
export interface Program {
  readonly pid: number;
  /** The first log line that `wanted` accepts, from the start of this process on. Rejects when it ends, or after `withinMs`. */
  line(wanted: (entry: Record<string, unknown>) => boolean, withinMs: number): Promise<Record<string, unknown>>;
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, then SIGKILL after 5 s. */
  stop(): Promise<void>;
}

export function startProgram(name: string, script: string, args: readonly string[], logFile: string): Program {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(logFile, { flags: "a" });
  const seen: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  const wakeAll = () => {
    for (const wake of waiting) wake();
  };
  createInterface({ input: child.stdout }).on("line", (text) => {
    log.write(`${text}\n`);
    try {
      seen.push(JSON.parse(text) as Record<string, unknown>);
    } catch {
      // Not a log line: it is in the file.
    }
    wakeAll();
  });
  child.stderr.on("data", (chunk: Buffer) => log.write(chunk));
  const gone = new Promise<void>((resolve) =>
    child.once("exit", () => {
      resolve();
      wakeAll();
    }),
  );
  return {
    pid: child.pid ?? 0,
    line: (wanted, withinMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => finish(new Error(`${name} did not say it within ${withinMs / 1000} s; see ${logFile}`)),
          withinMs,
        );
        const look = () => {
          const found = seen.find(wanted);
          if (found !== undefined) finish(found);
          else if (ended(child))
            finish(new Error(`${name} ended with ${child.exitCode ?? child.signalCode}; see ${logFile}`));
        };
        const finish = (result: Record<string, unknown> | Error) => {
          clearTimeout(timer);
          waiting.delete(look);
          if (result instanceof Error) reject(result);
          else resolve(result);
        };
        waiting.add(look);
        look();
      }),
    kill: async () => {
      if (!ended(child)) child.kill("SIGKILL");
      await gone;
    },
    stop: async () => {
      if (!ended(child)) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(timer);
    },
  };
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
