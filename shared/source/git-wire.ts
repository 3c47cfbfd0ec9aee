/**
 * Git's wire, as much as reading branches takes: pkt-lines (gitprotocol-common(5)), `ls-refs` and `fetch` of protocol 2
 * (gitprotocol-v2(5)), and the same in the protocol before it, for servers that know no other. Nothing in here asks anybody.
 */
import { AppError } from "../errors.ts";

export const SERVICE = "git-upload-pack";
/** 2; or 1, which lists every ref of the server whenever it is asked for anything. */
export type GitProtocol = 1 | 2;

/** The branches of a fleet; a server may have thousands of others. */
const BRANCH = /^refs\/heads\/(main|trust|sites-[0-9a-f]|bundles\/[a-z0-9-]{1,63})$/;
export const BRANCHES = ["main", "trust", "sites-", "bundles/"];
const FLUSH = "0000";
const DELIMITER = "0001";

export type Packet = Uint8Array | "flush" | "delimiter";

function line(text: string): string {
  return `${(text.length + 5).toString(16).padStart(4, "0")}${text}\n`;
}

/** `prefixes` of branch names. */
export function listing(prefixes: readonly string[]): Uint8Array {
  const lines = prefixes.map((prefix) => line(`ref-prefix refs/heads/${prefix}`));
  return Buffer.from([line("command=ls-refs"), DELIMITER, ...lines, FLUSH].join(""));
}

/** Asks for a commit and what belongs to it, less what belongs to `have`. Thin: what is sent may build on what is had. */
export function wanting(protocol: GitProtocol, want: string, have: string | null) {
  const haves = have === null ? [] : [line(`have ${have}`)];
  const capabilities = ["thin-pack", "ofs-delta", "no-progress"];
  const lines =
    protocol === 2
      ? [line("command=fetch"), DELIMITER, ...capabilities.map(line), line(`want ${want}`), ...haves]
      : [line(`want ${want} side-band-64k ${capabilities.join(" ")}`), FLUSH, ...haves];
  return Buffer.from([...lines, line("done"), ...(protocol === 2 ? [FLUSH] : [])].join(""));
}

/** The packets of an answer. Throws `malformed`, and `unreachable` where the answer ends within one. */
export async function* packetsOf(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Packet> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const size = sizeOf(rest);
      if (rest.length < size) break;
      if (size >= 4) yield rest.subarray(4, size);
      else if (size < 2) yield size === 0 ? "flush" : "delimiter";
      rest = rest.subarray(Math.max(size, 4));
    }
  }
  if (rest.length > 0) throw new AppError("unreachable", "the server's answer ends too soon");
}

/** With its own four digits; below 4 it is a sign without content. */
function sizeOf(bytes: Buffer): number {
  const digits = bytes.toString("latin1", 0, 4);
  const size = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : 3;
  if (size !== 3) return size;
  throw new AppError("malformed", "the server does not speak Git");
}

/**
 * Commit by branch, of either protocol's listing; null where the server only says that it speaks protocol 2. Throws
 * `malformed`, `unreachable` where the listing is not whole.
 */
export async function headsIn(packets: AsyncIterable<Packet>): Promise<Map<string, string> | null> {
  const heads = new Map<string, string>();
  let ended = false;
  for await (const packet of packets) {
    ended = packet === "flush";
    if (typeof packet === "string") continue;
    const text = wordsIn(packet);
    if (text.startsWith("# service=")) continue;
    if (text === "version 2") return null;
    const [, commit, ref = ""] = /^([0-9a-f]{40}) ([^ \0]+)/.exec(text) ?? [];
    if (commit === undefined) throw new AppError("malformed", "the server's list of branches is not one");
    const branch = BRANCH.exec(ref)?.[1];
    if (branch !== undefined) heads.set(branch, commit);
  }
  if (!ended) throw new AppError("unreachable", "the server's list of branches ends too soon");
  return heads;
}

/** The bytes of the pack. Throws `unreachable` where it is not whole or the server gives up, `not-found`, `malformed`. */
export async function* packIn(packets: AsyncIterable<Packet>): AsyncGenerator<Uint8Array> {
  let begun = false;
  let ended = false;
  for await (const packet of packets) {
    ended = packet === "flush";
    if (typeof packet === "string" || packet.length === 0) continue;
    const [band] = packet;
    if (band === 1) {
      begun = true;
      yield packet.subarray(1);
    } else if (band === 3) {
      throw givenUp(wordsIn(packet.subarray(1)));
    } else if (band !== 2 && !/^(?:NAK|ACK |(?:un)?shallow |shallow-info$|packfile$)/.test(wordsIn(packet))) {
      throw new AppError("malformed", "the server does not send what was asked for");
    }
  }
  if (!begun || !ended) throw new AppError("unreachable", "the server's answer ends too soon");
}

function wordsIn(packet: Uint8Array): string {
  const text = Buffer.from(packet).toString().replace(/\n$/, "");
  if (text.startsWith("ERR ")) throw givenUp(text.slice(4));
  return text;
}

function givenUp(words: string): AppError {
  if (words.includes("not our ref")) {
    return new AppError("not-found", "the server no longer has that commit", { fix: "ask for the heads again" });
  }
  return new AppError("unreachable", `the server gives up: ${words.replaceAll(/[^ -~]/g, "").slice(0, 200)}`);
}
