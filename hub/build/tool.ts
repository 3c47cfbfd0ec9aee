import { spawn } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { basename, delimiter, isAbsolute, join } from "node:path";
import { AppError } from "../../shared/errors.ts";

/** How long a tool may take and how much it may print, before it is ended. */
export interface ToolLimits {
  deadlineMs: number;
  maxBytes: number;
}

export const TOOL_LIMITS: ToolLimits = { deadlineMs: 120_000, maxBytes: 64 * 1024 * 1024 };

/** The first of these programs in the folders of PATH, in the order of the names; null where there is none. */
export async function findTool(names: readonly string[], path = process.env["PATH"] ?? ""): Promise<string | null> {
  // A relative folder in PATH would let the repository choose the program.
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  for (const name of names) {
    for (const folder of folders) if (await isProgram(join(folder, name))) return join(folder, name);
  }
  return null;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/**
 * What a tool gets of this machine: PATH and a folder of its own. No credentials, no settings of the person who builds, no cluster, no
 * network: Git has no transport and HTTP a proxy that refuses, so that only what is in the commit decides.
 */
function toolEnvironment(home: string): Record<string, string> {
  const nowhere = "http://127.0.0.1:9";
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: home,
    KUBECONFIG: join(home, "no-cluster"),
    LC_ALL: "C",
    TZ: "UTC",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_TERMINAL_PROMPT: "0",
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    ALL_PROXY: nowhere,
    NO_PROXY: "",
    ...Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((part) => [`HELM_${part}_HOME`, join(home, "helm", part)])),
    ...Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((part) => [`XDG_${part}_HOME`, join(home, "xdg", part)])),
  };
}

export interface ToolRun {
  /** Absolute path of the program. */
  file: string;
  args: readonly string[];
  /** A folder that is thrown away afterwards: it is HOME and every folder of settings. */
  home: string;
  limits?: ToolLimits;
}

/** What it printed. Throws `config`: it cannot be started, exits with another code than 0 (with its words), takes too long or prints too much. */
export async function runTool(run: ToolRun): Promise<{ out: string; err: string }> {
  const { file, args, home, limits = TOOL_LIMITS } = run;
  const title = `${basename(file)} ${args[0] ?? ""}`;
  const child = spawn(file, args, { cwd: home, env: toolEnvironment(home), stdio: ["ignore", "pipe", "pipe"] });
  const [out, err]: Buffer[][] = [[], []];
  let size = 0;
  return await new Promise((resolve, reject) => {
    const fail = (what: string, cause?: unknown) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new AppError("config", `${title} ${what}`, { where: file, cause }));
    };
    const timer = setTimeout(() => fail(`did not end within ${limits.deadlineMs / 1000} s`), limits.deadlineMs);
    const take = (chunks: Buffer[] | undefined) => (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > limits.maxBytes) fail(`printed more than ${limits.maxBytes} bytes`);
      else chunks?.push(chunk);
    };
    child.stdout.on("data", take(out));
    child.stderr.on("data", take(err));
    child.on("error", (cause) => fail("cannot be started", cause));
    child.on("close", (code, signal) => {
      const said = Buffer.concat(err ?? []).toString();
      if (code !== 0) fail(`failed (${signal ?? `exit code ${code}`}): ${inOneLine(said)}`);
      clearTimeout(timer);
      resolve({ out: Buffer.concat(out ?? []).toString(), err: said });
    });
  });
}

/** `v1.2.3` out of what a tool prints about itself. */
export async function versionOf(tool: ToolRun, pattern: RegExp): Promise<string> {
  const { out } = await runTool(tool);
  const version = pattern.exec(out)?.[1];
  if (version !== undefined) return version;
  throw new AppError("config", `${basename(tool.file)} does not say which version it is: ${inOneLine(out)}`, {
    where: tool.file,
    fix: "use a released one: its version is part of what is signed",
  });
}

function inOneLine(text: string): string {
  return text
    .trim()
    .replaceAll(/\s*\n\s*/g, " | ")
    .slice(0, 2000);
}
