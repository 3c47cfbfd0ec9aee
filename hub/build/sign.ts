import { spawn } from "node:child_process";
import { once } from "node:events";
import { relative } from "node:path";
import { AppError } from "../../shared/errors.ts";
import { type PublicKey, parsePublicKey } from "../../shared/node/ssh-key.ts";
import { parsePrivateKey } from "../../shared/node/ssh-private-key.ts";
import { signSsh, verifySsh } from "../../shared/node/sshsig.ts";
import type { Journal } from "../../shared/ports.ts";
import type { Role, Root } from "../../shared/root.ts";
import { readWhole, writeWhole } from "./signed-files.ts";

export interface SignatureRequest {
  /** The document; its signature goes to `<file>.<name>.sig`. */
  file: string;
  namespace: string;
  /** A private key, or the public key of one that an agent holds. */
  keyFile: string;
  /** Name of the key in the file's name; left out: the name that `keys` gives to this key. */
  as?: string | undefined;
  /** Public keys by name: those whose signature counts for this document. */
  keys: Readonly<Record<string, string>>;
}

/** The public keys that a role or a delegation of a root names. */
export function keysOf({ keys }: Root, role: Pick<Role, "keys"> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(keys).filter(([name]) => role?.keys.includes(name)));
}

/** Signs the exact bytes of a file. Returns the path of the signature. Signing again with the same key replaces it. */
export async function signFile(request: SignatureRequest, journal: Journal): Promise<string> {
  const { file, namespace, keyFile, keys } = request;
  const bytes = await readWhole(file);
  const armored = await sign(bytes, namespace, keyFile);
  const name = request.as ?? nameOf(verifySsh(bytes, armored, namespace), keys, keyFile);
  const signature = `${file}.${name}.sig`;
  journal("sign.write", "before");
  await writeWhole(signature, armored);
  journal("sign.write", "after");
  return signature;
}

/** Signs by itself with a private key that has no passphrase; everything else is ssh-keygen's, which may ask for one. */
async function sign(bytes: Uint8Array, namespace: string, keyFile: string): Promise<string> {
  const text = (await readWhole(keyFile)).toString();
  if (!text.startsWith("-----BEGIN ")) return signByAgent(bytes, namespace, keyFile);
  try {
    return signSsh(bytes, namespace, parsePrivateKey(text));
  } catch (error) {
    if (error instanceof AppError && error.code === "key") return signByAgent(bytes, namespace, keyFile);
    throw error;
  }
}

async function signByAgent(bytes: Uint8Array, namespace: string, keyFile: string): Promise<string> {
  const child = spawn("ssh-keygen", ["-q", "-Y", "sign", "-n", namespace, "-f", keyFile], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {});
  child.stdin.end(bytes);
  const ended = once(child, "close").catch((cause: unknown) => {
    throw new AppError("key", "this key needs ssh-keygen, which cannot be started", { where: keyFile, cause });
  });
  const [out, err, [code]] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), ended]);
  if (code === 0) return Buffer.concat(out).toString();
  const said = Buffer.concat(err)
    .toString()
    .trim()
    .replaceAll(/\s*\n\s*/g, " | ");
  throw new AppError("key", `ssh-keygen did not sign: ${said}`, { where: keyFile });
}

function nameOf(key: PublicKey, keys: Readonly<Record<string, string>>, keyFile: string): string {
  const found = Object.entries(keys).find(([, line]) => Buffer.compare(parsePublicKey(line).wire, key.wire) === 0);
  if (found !== undefined) return found[0];
  throw new AppError("key", "the root does not name this key for what is signed here", {
    where: relative(process.cwd(), keyFile),
    fix: `sign with one of ${Object.keys(keys).join(", ")}, or say what it is called with --as NAME`,
  });
}
