import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { AppError, inWords } from "../shared/errors.ts";
import { formatPublicKey, type PrivateKey } from "../shared/node/ssh-key.ts";
import { formatEd25519, generateEd25519, parsePrivateKey } from "../shared/node/ssh-private-key.ts";
import type { Clock, Journal, Log } from "../shared/ports.ts";
import type { Reading, Vault } from "./keep/keep.ts";

const RETRY_MS = 2_000;

export interface ReportKey {
  key: PrivateKey;
  /** OpenSSH line of the public half. */
  line: string;
  /** As its file holds it. */
  text: string;
  from: "disk" | "cluster" | "made";
}

/**
 * The site's report key: made on the site at its first start. It leaves it for nowhere but the vault in the site's own cluster, out of
 * which an empty disk has it back. A new one is made only once the vault was read and has none: until then this waits. Throws `config`
 * where the file is there and is no key: a key is never replaced silently, since the site record names it.
 */
export async function reportKey(
  file: string,
  vault: Pick<Vault, "read">,
  { clock, journal, log }: { clock: Clock; journal: Journal; log: Log },
): Promise<ReportKey> {
  if (existsSync(file)) return fromFile(file, "disk");
  const reading = await readUntil(vault, clock, log);
  const kept = reading.found === "kept" || reading.found === "damaged" ? reading.kept.reportKey : null;
  journal("key.keep", "before");
  writeDurably(file, kept ?? formatEd25519(generateEd25519(), "skerry report key"));
  journal("key.keep", "after");
  return fromFile(file, kept === null ? "made" : "cluster");
}

async function readUntil(vault: Pick<Vault, "read">, clock: Clock, log: Log): Promise<Reading> {
  for (;;) {
    try {
      return await vault.read();
    } catch (error) {
      log.warn({ words: inWords(error) }, "no report key on disk, and the cluster cannot be asked for it; waiting");
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }
}

function fromFile(file: string, from: ReportKey["from"]): ReportKey {
  try {
    const text = readFileSync(file, "utf8");
    const key = parsePrivateKey(text);
    return { key, line: formatPublicKey(key.public), text, from };
  } catch (cause) {
    throw new AppError("config", "the site's report key cannot be read", {
      where: file,
      cause,
      fix: "remove it: it comes back from the cluster where that has it; else put it back from a copy, or have a new record signed",
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
