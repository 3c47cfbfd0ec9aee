import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../shared/errors.ts";
import { formatPublicKey, type PrivateKey } from "../shared/node/ssh-key.ts";
import { formatEd25519, generateEd25519, parsePrivateKey } from "../shared/node/ssh-private-key.ts";

/**
 * The site's report key: made on the site at its first start, never leaves it. Throws `config` where the file is there and
 * is no key: a key is never replaced silently, since the site record names it.
 */
export function reportKey(file: string): { key: PrivateKey; line: string; created: boolean } {
  const created = !existsSync(file);
  if (created) writeDurably(file, formatEd25519(generateEd25519(), "skerry report key"));
  try {
    const key = parsePrivateKey(readFileSync(file, "utf8"));
    return { key, line: formatPublicKey(key.public), created };
  } catch (cause) {
    throw new AppError("config", "the site's report key cannot be read", {
      where: file,
      cause,
      fix: "put it back from a copy, or remove it and have a new site record signed for the new key",
    });
  }
}

/** All or nothing, over a power cut too: written beside, synced, renamed, and the folder synced. */
function writeDurably(file: string, text: string): void {
  const draft = `${file}.new`;
  const handle = openSync(draft, "w", 0o600);
  writeSync(handle, text);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(draft, file);
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}
