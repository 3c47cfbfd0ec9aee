import type { ErrorCode } from "../../shared/errors.ts";
import type { Pair } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { Chance } from "./chance.ts";

/** What becomes of a version at one site: the truth, which neither the hub nor the agent knows beforehand. */
export type Nature =
  | "good"
  | "unwell" // never healthy
  | "broken" // its objects fail, and say so
  | "refused" // the API server refuses an object for good
  | "mayfly" // healthy, and after a while not any more
  | "deaf" // the link is down while it runs
  | "unfetched" // no source brings it
  | "forged"; // what the sources bring is refused

export interface Version {
  bundle: string;
  version: string;
  digest: string;
  pair: Pair;
  floor: Pair;
  holdForMs: number;
  deadlineMs: number;
  /** So long a site may put it off. */
  holdAtMostMs: number;
  /** Of a hundred sites, so many have something else than a good version; and what. */
  badAt: number;
  bad: readonly Nature[];
}

const BAD: readonly Nature[] = ["unwell", "broken", "refused", "mayfly", "deaf", "unfetched", "forged"];

export function drawVersion(chance: Chance, bundle: string, seq: number): Version {
  const floor = chance.of(0.1) ? seq : Math.max(1, seq - chance.whole(1, 3));
  return {
    bundle,
    version: `1.${seq}.0`,
    digest: sha256Hex(new TextEncoder().encode(`${bundle} ${seq}`)),
    pair: [1, seq],
    floor: [1, floor],
    holdForMs: 1000 * chance.whole(1, 20),
    deadlineMs: 1000 * chance.whole(30, 200),
    holdAtMostMs: 1000 * chance.whole(60, 600),
    badAt: seq === 1 ? 0 : chance.one([0, 0, 3, 10, 30, 100]),
    bad: [chance.one(BAD), chance.one(BAD)],
  };
}

/** The same whenever it is asked. `values`: hash of those that the hub sets, which may break what is good and mend what is bad. */
export function natureOf({ digest, badAt, bad }: Version, site: string, values = ""): Nature {
  const hash = hashOf(digest, site);
  const nature = hash % 100 < badAt ? (bad[(hash >>> 8) % bad.length] ?? "good") : "good";
  if (values === "" || BEFORE_IT_RUNS.has(nature)) return nature;
  const other = hashOf(digest, site, values);
  if (nature !== "good") return other % 3 === 0 ? "good" : nature;
  return other % 200 < badAt ? "unwell" : nature;
}

/** Values do not matter yet. */
const BEFORE_IT_RUNS: ReadonlySet<Nature> = new Set<Nature>(["unfetched", "forged"]);

function hashOf(...texts: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const text of texts)
    for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

export const REFUSED_WITH: ErrorCode = "signature";
