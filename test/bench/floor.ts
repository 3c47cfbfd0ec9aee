import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const MODULES = join(import.meta.dirname, "../../node_modules");

/** What no agent on this platform and with these two libraries can be under: the same bundling, nothing of ours inside. */
const LIBRARIES = `
import mqtt from "mqtt";
import Sqlite from "better-sqlite3";
new Sqlite(":memory:").exec("CREATE TABLE t (a)");
if (typeof mqtt.MqttClient !== "function") throw new Error("no mqtt");
if (process.argv[2] === "stay") setInterval(() => {}, 1 << 30);
`;

export interface Floor {
  /** Arguments of `node` for a bare process, and for one with mqtt and better-sqlite3; both end at once. */
  bare: string[];
  libraries: string[];
  remove(): void;
}

export async function buildFloor(): Promise<Floor> {
  const dir = mkdtempSync(join(tmpdir(), "skerry-floor-"));
  symlinkSync(MODULES, join(dir, "node_modules"));
  const outfile = join(dir, "libraries.mjs");
  await build({
    stdin: { contents: LIBRARIES, resolveDir: MODULES, loader: "js" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["better-sqlite3"],
    banner: { js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return { bare: ["-e", "0"], libraries: [outfile], remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Milliseconds from the start of a process to its end. */
export async function timeOf(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const [code] = (await once(spawn(process.execPath, args, { stdio: "ignore" }), "exit")) as [number | null];
  if (code !== 0) throw new Error(`node ${args.join(" ")} ended with ${code}`);
  return performance.now() - started;
}
