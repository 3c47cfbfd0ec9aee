/** The system's ssh-keygen as the other side of each format, and keys that it made. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, type ErrorCode } from "../../../shared/errors.ts";

/** Type and bits of every accepted kind of key. */
export const ACCEPTED_KINDS = [
  ["ed25519", 256],
  ["ecdsa", 256],
  ["ecdsa", 384],
  ["rsa", 2048],
  ["rsa", 3072],
  ["rsa", 4096],
] as const;

export interface KeyFile {
  path: string;
  privateText: string;
  publicLine: string;
}

export class Keygen {
  readonly #folder = mkdtempSync(join(tmpdir(), "skerry-ssh-"));
  #files = 0;

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  run(args: readonly string[], input: Uint8Array | string = ""): string {
    return execFileSync("ssh-keygen", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  }

  generate(type: string, bits: number, extra: readonly string[] = []): KeyFile {
    const path = this.#path();
    this.run(["-q", "-t", type, "-b", String(bits), "-N", "", "-C", "ops@example", "-f", path, ...extra]);
    return { path, privateText: readFileSync(path, "utf8"), publicLine: readFileSync(`${path}.pub`, "utf8") };
  }

  sign(key: KeyFile, namespace: string, message: Uint8Array, options: readonly string[] = []): string {
    const path = this.write(message);
    this.run(["-q", "-Y", "sign", "-f", key.path, "-n", namespace, ...options, path]);
    return readFileSync(`${path}.sig`, "utf8");
  }

  /** Throws where ssh-keygen does not accept the signature. */
  verify(publicLine: string, namespace: string, message: Uint8Array, armored: string): string {
    const allowed = this.write(`ops ${publicLine}`);
    const signature = this.write(armored);
    return this.run(["-Y", "verify", "-f", allowed, "-I", "ops", "-n", namespace, "-s", signature], message);
  }

  /** A file that only its owner may read, as ssh-keygen demands of private keys. */
  write(content: Uint8Array | string): string {
    const path = this.#path();
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  read(path: string): string {
    return readFileSync(path, "utf8");
  }

  #path(): string {
    this.#files += 1;
    return join(this.#folder, String(this.#files));
  }
}

/** The code with which `act` was refused. Any other throw passes through and fails the test. */
export function refusal(act: () => unknown): ErrorCode | "accepted" {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return "accepted";
}
