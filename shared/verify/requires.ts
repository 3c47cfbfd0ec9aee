import type { Bundle } from "../bundle.ts";
import { comparePairs, type Pair } from "../names.ts";
import { compareSemver, parseSemver } from "../semver.ts";

/** What a site has committed of one bundle. */
export interface Committed {
  version: string;
  requires: Bundle["requires"];
}

export interface Requirement {
  /** The bundle that is needed. */
  bundle: string;
  atLeast: string;
}

/** The first thing that a version needs and this site does not have committed, with what it has (null: nothing); null where all is there. */
export function unmetRequirement(
  { requires = [] }: Pick<Bundle, "requires">,
  committed: ReadonlyMap<string, Pick<Committed, "version">>,
): (Requirement & { has: string | null }) | null {
  for (const { bundle, atLeast } of requires) {
    const has = committed.get(bundle)?.version ?? null;
    if (has === null || !isAtLeast(has, atLeast)) return { bundle, atLeast, has };
  }
  return null;
}

/**
 * The first committed bundle (`by`) that would lose what it requires if another one moved to this version, forward or back, or were
 * removed; null where nothing breaks.
 */
export function brokenRequirement(
  move: Pick<Bundle, "name" | "version" | "remove">,
  committed: ReadonlyMap<string, Pick<Committed, "requires">>,
): (Requirement & { by: string }) | null {
  for (const [by, { requires = [] }] of committed) {
    if (by === move.name) continue;
    const needed = requires.find(({ bundle }) => bundle === move.name);
    if (needed === undefined || (move.remove !== true && isAtLeast(move.version, needed.atLeast))) continue;
    return { ...needed, by };
  }
  return null;
}

/** May a site that has this pair committed go to a version whose `from` is given? A site with nothing comes from nowhere: it may. */
export function mayComeFrom(from: Pair | undefined, committed: Pair | null): boolean {
  return from === undefined || committed === null || comparePairs(committed, from) >= 0;
}

/** Of a version that is no semantic version nothing can be said: it meets no requirement. */
function isAtLeast(version: string, wanted: string): boolean {
  const [own, least] = [parseSemver(version), parseSemver(wanted)];
  return own !== null && least !== null && compareSemver(own, least) >= 0;
}
