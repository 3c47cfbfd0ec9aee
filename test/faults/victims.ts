import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { LISTENS, type Orders } from "./mortal.ts";
import { resumed } from "./resumed.ts";

export type ProgramName = "agent" | "hub" | "skerry";
/** What is started: `token` is a command of the hub. */
export type Bundled = ProgramName | "token";

export interface Victim {
  /** How it ended: `SIGKILL`, or its exit code. */
  ended: Promise<string>;
  /** SIGTERM, once it listens for it; resolves when it is gone, with how it ended. */
  stop(): Promise<string>;
  /** `SIGSTOP` and `SIGCONT`. */
  send(signal: NodeJS.Signals): void;
}

export interface Victims {
  /** A process, which dies where it is ordered to. Output is appended to `logFile`. */
  start(program: Bundled, args: readonly string[], orders: Orders, logFile: string): Victim;
  /** The same program inside this process, where nobody kills it: it begins with what is on disk and in the cluster, and costs no start. */
  resume(program: "agent" | "hub", config: string, logFile: string): Victim;
  remove(): void;
}

/** Bundles the programs with their killing journals: a bundle starts in a third of the time, and that is twice a point. */
export async function bundleVictims(): Promise<Victims> {
  const dir = mkdtempSync(join(tmpdir(), "skerry-victims-"));
  const tree = join(import.meta.dirname, "../..");
  symlinkSync(join(tree, "node_modules"), join(dir, "node_modules"));
  await build({
    entryPoints: {
      agent: join(import.meta.dirname, "victim-agent.ts"),
      hub: join(import.meta.dirname, "victim-hub.ts"),
      skerry: join(import.meta.dirname, "victim-skerry.ts"),
      token: join(import.meta.dirname, "victim-token.ts"),
      "git-child": join(tree, "shared/source/git-child.ts"),
    },
    outdir: dir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    external: ["better-sqlite3"],
    banner: { js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);' },
    // The programs start themselves where they are the main module; here the victims start them.
    define: { "import.meta.main": "false" },
    logLevel: "warning",
  });
  // Without it Node takes a .js file in a folder of its own for CommonJS first.
  writeFileSync(join(dir, "package.json"), '{"type":"module"}');
  // The hub wants its page; nobody looks at it here.
  mkdirSync(join(dir, "ui"));
  for (const file of ["app.js", "app.css"]) writeFileSync(join(dir, "ui", file), "");
  return {
    start: (program, args, orders, logFile) => {
      const child = spawn(process.execPath, [join(dir, `${program}.js`), ...args], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, NODE_COMPILE_CACHE: join(dir, "compiled"), SKERRY_FAULTS: JSON.stringify(orders) },
      });
      const log = createWriteStream(logFile, { flags: "a" });
      child.stdout.pipe(log, { end: false });
      child.stderr.pipe(log, { end: false });
      const ended = new Promise<string>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, signal) => {
          log.end();
          resolve(String(signal ?? code));
        });
      });
      const listens = new Promise<void>((resolve) =>
        child.stdout.on("data", (chunk: Buffer) => {
          if (chunk.includes(LISTENS)) resolve();
        }),
      );
      return {
        ended,
        send: (signal) => void child.kill(signal),
        stop: async () => {
          await Promise.race([listens, ended]);
          child.kill("SIGTERM");
          return ended;
        },
      };
    },
    resume: (program, config, logFile) => resumed(program, config, logFile, dir),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
