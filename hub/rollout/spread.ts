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
  const { of, sizes } = combinations(labels, members);
  const left = seats(sizes, count, members.length);
  return members.filter((_, index) => {
    const which = of[index] ?? 0;
    const free = left[which] ?? 0;
    left[which] = free - 1;
    return free > 0;
  });
}

/** A combination of the values of labels, as a path of them; its number at the end of it. */
interface Branch {
  next: Map<string | undefined, Branch>;
  number: number;
}

/**
 * The combinations numbered in the order in which their first members come: which one each member is of, and of how many each is. A site
 * without a label is its own kind: it must not hide among those that have an empty one.
 */
function combinations(labels: readonly string[], members: readonly FleetMember[]): { of: number[]; sizes: number[] } {
  const root: Branch = { next: new Map(), number: -1 };
  const sizes: number[] = [];
  const of = members.map((member) => {
    let branch = root;
    for (const label of labels) {
      const value = member.labels[label];
      let next = branch.next.get(value);
      if (next === undefined) {
        next = { next: new Map(), number: -1 };
        branch.next.set(value, next);
      }
      branch = next;
    }
    if (branch.number === -1) branch.number = sizes.push(0) - 1;
    sizes[branch.number] = (sizes[branch.number] ?? 0) + 1;
    return branch.number;
  });
  return { of, sizes };
}

/** Whole numbers throughout: `size * count` stays far below 2^53. */
function seats(sizes: readonly number[], count: number, of: number): number[] {
  const wholes = sizes.map((size) => Math.floor((size * count) / of));
  const over = count - wholes.reduce((sum, whole) => sum + whole, 0);
  const up = sizes
    .map((size, number) => ({ number, rest: (size * count) % of }))
    .toSorted((a, b) => b.rest - a.rest)
    .slice(0, over);
  for (const { number } of up) wholes[number] = (wholes[number] ?? 0) + 1;
  return wholes;
}
