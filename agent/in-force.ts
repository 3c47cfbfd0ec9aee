import type { Assignment, AssignmentSet } from "../shared/assignment.ts";
import { milliseconds } from "../shared/names.ts";
import type { Adoption, Cache } from "./cache/cache.ts";

/** A report at rest, where nothing changed. */
const AT_REST_MS = 6 * 3_600_000;

/** What somebody at the site had it take: until the hub says something new. */
export function adoptionOf(cache: Cache, bundle: string, set: AssignmentSet | null): Adoption | null {
  const adoption = cache.adoptions().get(bundle);
  if (adoption === undefined) return null;
  const { against } = adoption;
  const isSame = set === null ? against === null : against?.[0] === set.term && against[1] === set.number;
  return isSame ? adoption : null;
}

/** Milliseconds between two reports. */
export function reportEvery(items: readonly Assignment[]): number {
  const asked = items.flatMap((item) => (item.reportEvery === undefined ? [] : [milliseconds(item.reportEvery)]));
  return Math.max(250, Math.min(AT_REST_MS, ...asked));
}
