import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { AppError, inWords } from "../shared/errors.ts";
import { type AgeIdentity, formatAgeIdentity, generateAge, parseAgeIdentity } from "../shared/node/age-key.ts";
import { formatPublicKey, type PrivateKey } from "../shared/node/ssh-key.ts";
import { formatEd25519, generateEd25519, parsePrivateKey } from "../shared/node/ssh-private-key.ts";
import type { Clock, Journal, Log } from "../shared/ports.ts";
import type { Kept, Reading, Vault } from "./keep/keep.ts";

const RETRY_MS = 2_000;

export interface SiteKey {
  /** What others know it by: an OpenSSH line, or an age recipient. */
  line: string;
  /** As its file holds it. */
  text: string;
  from: "disk" | "cluster" | "made";
}

interface SiteKeyKind<K> {
  /** In words. */
  name: string;
  kept(kept: Kept): string | null;
  make(): string;
  /** Throws where the text is no such key. */
  read(text: string): K & { line: string };
}

interface SiteKeyWorld {
  clock: Clock;
  journal: Journal;
  log: Log;
}

/** By it the site signs what it says. */
const REPORT: SiteKeyKind<{ key: PrivateKey }> = {
  name: "report key",
  kept: (kept) => kept.reportKey,
  make: () => formatEd25519(generateEd25519(), "skerry report key"),
  read: (text) => {
    const key = parsePrivateKey(text);
    return { key, line: formatPublicKey(key.public) };
  },
};

/** For it the owners encrypt the keys of the groups that this site is in. */
const BOX: SiteKeyKind<{ identity: AgeIdentity }> = {
  name: "box key",
  kept: (kept) => kept.boxKey,
  make: () => formatAgeIdentity(generateAge()),
  read: (text) => {
    const identity = parseAgeIdentity(text);
    return { identity, line: identity.recipient };
  },
};

export function reportKey(file: string, vault: Pick<Vault, "read">, world: SiteKeyWorld) {
  return siteKey(REPORT, file, vault, world);
}

export function boxKey(file: string, vault: Pick<Vault, "read">, world: SiteKeyWorld) {
  return siteKey(BOX, file, vault, world);
}

/**
 * A key of the site, made on it at its first start. It leaves it for nowhere but the vault in the site's own cluster, out of
 * which an empty disk has it back. A new one is made only once the vault was read and has none: until then this waits. Throws `config`
 * where the file is there and is no key: a key is never replaced silently, since the site record names it.
 */
async function siteKey<K>(
  kind: SiteKeyKind<K>,
  file: string,
  vault: Pick<Vault, "read">,
  { clock, journal, log }: SiteKeyWorld,
): Promise<SiteKey & K> {
  if (existsSync(file)) return fromFile(kind, file, "disk");
  const reading = await readUntil(kind.name, vault, clock, log);
  const kept = reading.found === "kept" || reading.found === "damaged" ? kind.kept(reading.kept) : null;
  journal("key.keep", "before");
  writeDurably(file, kept ?? kind.make());
  journal("key.keep", "after");
  return fromFile(kind, file, kept === null ? "made" : "cluster");
}

async function readUntil(name: string, vault: Pick<Vault, "read">, clock: Clock, log: Log): Promise<Reading> {
  for (;;) {
    try {
      return await vault.read();
    } catch (error) {
      log.warn({ words: inWords(error) }, `no ${name} on disk, and the cluster cannot be asked for it; waiting`);
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }
}

function fromFile<K>(kind: SiteKeyKind<K>, file: string, from: SiteKey["from"]): SiteKey & K {
  try {
    const text = readFileSync(file, "utf8");
    return { ...kind.read(text), text, from };
  } catch (cause) {
    throw new AppError("config", `the site's ${kind.name} cannot be read`, {
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
