import { spawn } from "node:child_process";
import { once } from "node:events";
import { AppError, type ErrorCode } from "../../shared/errors.ts";

export interface GitOptions {
  input?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
  /** Code of the error where git fails. Default `storage`. */
  failure?: ErrorCode;
}

/**
 * Runs the operator's own git, with its credentials and settings, but for `git replace`: a commit means the same to everybody.
 * What it printed; its words where it fails.
 */
export async function git(folder: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const child = spawn("git", ["-C", folder, ...args], {
    env: { ...process.env, LC_ALL: "C", GIT_NO_REPLACE_OBJECTS: "1", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const ended = once(child, "close").catch((cause: unknown) => {
    throw new AppError("config", "git cannot be started", { fix: "install git, version 2.30 or later", cause });
  });
  const [out, err, [code]] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), ended]);
  if (code === 0) return Buffer.concat(out);
  const said = Buffer.concat(err)
    .toString()
    .trim()
    .replaceAll(/\s*\n\s*/g, " | ");
  throw new AppError(options.failure ?? "storage", `git ${args[0]} failed: ${withoutCredentials(said)}`, {
    where: folder,
  });
}

/** One line, without its end. */
export async function gitLine(folder: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await git(folder, args, options)).toString().trim();
}

/** Null where git says no, as for a ref that does not exist. */
export async function gitMaybe(folder: string, args: readonly string[]): Promise<string | null> {
  try {
    return await gitLine(folder, args);
  } catch (error) {
    if (error instanceof AppError && error.code === "storage") return null;
    throw error;
  }
}

export function withoutCredentials(text: string): string {
  return text.replaceAll(/(\w+:\/\/)[^/@\s]+@/g, "$1");
}
