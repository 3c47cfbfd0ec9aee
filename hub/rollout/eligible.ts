import { comparePairs, matchesAny, type Pair, short } from "../../shared/names.ts";
import type { FleetMember } from "../registry/site.ts";
import { highestMark, itemOf } from "./evidence.ts";
import type { Left, Target } from "./run.ts";

/** Null where the site may have the target; else why not. The site decides the same again by itself, by the signed documents. */
export function ineligibility(member: FleetMember, target: Target): Omit<Left, "site"> | null {
  if (member.barred !== undefined) return { code: "record", why: member.barred };
  if (!mayHave(member, target.bundle)) {
    return { code: "record", why: `its site record does not list the bundle ${target.bundle}` };
  }
  const { marks, flags, digest } = itemOf(member.site, target.bundle) ?? {};
  const isThrough = flags?.includes("no-return") === true && digest !== short(target.digest);
  // What is through lies above what was committed last.
  if (isThrough && (marks === undefined || comparePairs(target.pair, marks[0]) <= 0)) {
    return { code: "floor", why: "a phase without return is through there" };
  }
  const floor = floorOf(member, target);
  if (floor !== undefined && comparePairs(target.pair, floor) < 0) {
    return {
      code: "floor",
      why: `it may not go below ${floor.join(".")}, and ${target.version} is ${target.pair.join(".")}`,
    };
  }
  return null;
}

/** By its site record. */
export function mayHave(member: FleetMember, bundle: string): boolean {
  return member.barred === undefined && matchesAny(member.bundles, bundle);
}

/** It has committed something newer than the target, and the target is not what it runs. */
export function isAbove(member: FleetMember, target: Target): boolean {
  const mark = highestMark(member.site, target.bundle);
  const item = itemOf(member.site, target.bundle);
  return mark !== undefined && comparePairs(mark, target.pair) > 0 && item?.digest !== short(target.digest);
}

/**
 * The pair below which this site takes nothing; undefined where nothing binds it. What it runs is no going back, and its own
 * `previous` is always allowed, unless the floor is the very pair that runs, which forbids returning.
 */
function floorOf(member: FleetMember, target: Target): Pair | undefined {
  const item = itemOf(member.site, target.bundle);
  const digest = short(target.digest);
  if (item?.digest === digest) return undefined;
  if (item?.marks === undefined) return member.floors[target.bundle];
  const [mark, floor] = item.marks;
  if (item.previous === digest && comparePairs(mark, floor) !== 0) return undefined;
  return floor;
}
