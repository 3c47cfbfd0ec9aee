import { seeded } from "../support/clock.ts";
import { ANY, type Point, placeOf, type Tally } from "./mortal.ts";
import type { Scenario } from "./scenario.ts";
import type { Victims } from "./victims.ts";

export interface Shot {
  scenario: Scenario;
  point: Point;
  /** Where it is killed once more, after it was started again. */
  again?: Point;
}

export interface Result extends Shot {
  lost: string[];
  /** How many of its kills came: none where the point did not come up, not even the first one of its place. */
  killed: number;
}

/** Plays the story without a kill: where can it be killed, and how often does it come there? Throws where even that loses something. */
export async function discover(scenario: Scenario, victims: Victims): Promise<Tally> {
  const { lost, tally } = await scenario.play(victims, []);
  if (lost.length > 0)
    throw new Error(
      `the ${scenario.program}'s story ${scenario.story} does not hold without a kill: ${lost.join("; ")}`,
    );
  return tally;
}

/** Every place at its first or a later time, at least once each; what is left of `count` is spread by the seed. */
export function choose(tally: Tally, count: number, seed: number): Point[] {
  const random = seeded(seed);
  const places = Object.entries(tally).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const at = ([key, times]: [string, number]): Point => {
    const [effect = "", place] = key.split(" ");
    return { effect, place: place as Point["place"], nth: 1 + Math.floor(random() * times) };
  };
  const chosen = places.map(at);
  // A place that is come to often has more moments to die in.
  const often = places.flatMap((entry) => Array.from({ length: Math.min(entry[1], 8) }, () => entry));
  while (chosen.length < count && often.length > 0) {
    chosen.push(at(often[Math.floor(random() * often.length)] as [string, number]));
  }
  return chosen;
}

/** Every time that every place is come to. */
export function every(tally: Tally): Point[] {
  return Object.entries(tally).flatMap(([key, times]) => {
    const [effect = "", place] = key.split(" ");
    return Array.from({ length: times }, (_, index) => ({ effect, place: place as Point["place"], nth: index + 1 }));
  });
}

/** A story, and how often it comes to each place. */
export interface Known {
  scenario: Scenario;
  tally: Tally;
}

/**
 * Killed, started again, and killed once more: each place of the agent in one of the stories that come to it, at one of its times; then at the
 * same place again or, as chance has it, at any place of what it does to recover.
 */
export function twice(known: readonly Known[], seed: number): Shot[] {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const agents = known.filter(({ scenario }) => scenario.program === "agent");
  const places = new Set(agents.flatMap(({ tally }) => Object.keys(tally)));
  return [...places].map((key) => {
    const { scenario, tally } = pick(agents.filter(({ tally }) => key in tally));
    const all = Object.values(tally).reduce((sum, times) => sum + times, 0);
    const [effect = "", place] = key.split(" ");
    const point = { effect, place: place as Point["place"], nth: 1 + Math.floor(random() * (tally[key] ?? 1)) };
    const again =
      random() < 0.5 ? { ...point, nth: 1 } : { ...point, effect: ANY, nth: 1 + Math.floor(random() * all) };
    return { scenario, point, again };
  });
}

/** All lists from their beginnings to their ends at once: some stories wait for clocks, others take all of a processor. */
export function sideBySide<T>(lists: readonly (readonly T[])[]): T[] {
  const placed = lists.flatMap((list) => list.map((item, index) => ({ item, at: (index + 0.5) / list.length })));
  return placed.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
}

/** Plays one story for each shot, a few at a time. */
export async function shoot(
  shots: readonly Shot[],
  victims: Victims,
  atOnce: number,
  onResult: (result: Result) => void = () => {},
): Promise<Result[]> {
  const queue = [...shots];
  const results: Result[] = [];
  const worker = async () => {
    for (let shot = queue.shift(); shot !== undefined; shot = queue.shift()) {
      const result = await shootOne(shot, victims);
      results.push(result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/** No two runs come to a place equally often: where a late time never came, the first one is taken. */
async function shootOne(shot: Shot, victims: Victims): Promise<Result> {
  const { scenario, point, again } = shot;
  const kills = (first: Point) => (again === undefined ? [first] : [first, again]);
  const { lost, killed } = await scenario.play(victims, kills(point));
  if (killed > 0 || lost.length > 0 || point.nth === 1) return { ...shot, lost, killed };
  const first = { ...point, nth: 1 };
  const anew = await scenario.play(victims, kills(first));
  return { ...shot, point: first, lost: anew.lost, killed: anew.killed };
}

export function isBad({ lost }: Result): boolean {
  return lost.length > 0;
}

export function isTried({ killed }: Result): boolean {
  return killed > 0;
}

export function placeIn({ scenario: { program, story }, point, again }: Shot): string {
  return `${program} ${story} ${placeOf(point)}${again === undefined ? "" : ", twice"}`;
}

/** How many points a place had, and what was lost. */
export function lineOf(place: string, group: readonly Result[]): string {
  const missed = group.filter((result) => !isTried(result)).length;
  const lost = group.flatMap(({ point, again, lost }) =>
    lost.map(
      (words) => `at ${point.nth}${again === undefined ? "" : ` and at ${placeOf(again)} ${again.nth}`}: ${words}`,
    ),
  );
  const points = `${group.length} point${group.length === 1 ? "" : "s"}`;
  const notReached = missed === 0 ? "" : `, ${missed} not reached`;
  return `${place}: ${points}${notReached}; lost ${lost.length === 0 ? "nothing" : lost.join("; ")}`;
}
