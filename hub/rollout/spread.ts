import type { FleetMember } from "../registry/site.ts";

/**
 * So many of these members that every combination of the labels has its share of them, by largest remainder: no combination
 * is further than one site from proportional. Members come, and leave, in the order of the seed; of equal remainders the
 * combination whose first member comes first is rounded up.
 */
export function spreadOver(
  labels: readonly string[],
  members: readonly FleetMember[],
  count: number,
): readonly FleetMember[] {
  if (labels.length === 0 || count >= members.length) return members.slice(0, count);
  const sizes = new Map<string, number>();
  const keys = members.map((member) => combination(labels, member));
  for (const key of keys) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const left = seats(sizes, count, members.length);
  return members.filter((_, index) => {
    const key = keys[index] ?? "";
    const free = left.get(key) ?? 0;
    left.set(key, free - 1);
    return free > 0;
  });
}

/** A site without a label is its own kind: it must not hide among those that have an empty one. */
function combination(labels: readonly string[], { labels: own }: FleetMember): string {
  return labels.map((label) => (own[label] === undefined ? "" : `=${own[label]}`)).join("\n");
}

/** Whole numbers throughout: `size * count` stays far below 2^53. */
function seats(sizes: ReadonlyMap<string, number>, count: number, of: number): Map<string, number> {
  const shares = [...sizes].map(([key, size]) => ({
    key,
    whole: Math.floor((size * count) / of),
    rest: (size * count) % of,
  }));
  const over = count - shares.reduce((sum, { whole }) => sum + whole, 0);
  const up = new Set(
    shares
      .toSorted((a, b) => b.rest - a.rest)
      .slice(0, over)
      .map(({ key }) => key),
  );
  return new Map(shares.map(({ key, whole }) => [key, whole + (up.has(key) ? 1 : 0)]));
}
