import { seeded } from "../support/clock.ts";
import { type Point, placeOf, type Tally } from "./mortal.ts";
import type { Scenario } from "./scenario.ts";
import type { Victims } from "./victims.ts";

export interface Shot {
  scenario: Scenario;
  point: Point;
}

export interface Result extends Shot {
  lost: string[];
  /** False where the point did not come up, not even the first one of its place. */
  reached: boolean;
}

/** Plays the story without a kill: where can it be killed, and how often does it come there? Throws where even that loses something. */
export async function discover(scenario: Scenario, victims: Victims): Promise<Tally> {
  const { lost, tally } = await scenario.play(victims, null);
  if (lost.length > 0)
    throw new Error(`the ${scenario.program}'s story does not hold without a kill: ${lost.join("; ")}`);
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
async function shootOne({ scenario, point }: Shot, victims: Victims): Promise<Result> {
  const played = await scenario.play(victims, point);
  if (played.reached || played.lost.length > 0 || point.nth === 1) return { scenario, point, ...played };
  const first = { ...point, nth: 1 };
  return { scenario, point: first, ...(await scenario.play(victims, first)) };
}

/** One line for each place: how many points, and what was lost. */
export function inLines(results: readonly Result[]): string[] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const { program, story } = result.scenario;
    const key = `${story === undefined ? program : `${program} ${story}`} ${placeOf(result.point)}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => {
      const missed = group.filter(({ reached }) => !reached).length;
      const lost = group.flatMap(({ point, lost }) => lost.map((words) => `at ${point.nth}: ${words}`));
      const points = `${group.length} point${group.length === 1 ? "" : "s"}`;
      const notReached = missed === 0 ? "" : `, ${missed} not reached`;
      return `${key}: ${points}${notReached}; lost ${lost.length === 0 ? "nothing" : lost.join("; ")}`;
    });
}
