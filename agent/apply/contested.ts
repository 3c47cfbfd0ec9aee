/** How often a field of an object may be put right, in so many ms: what is changed again and again is somebody's who does not know of us. */
const BOUNDS: readonly (readonly [number, number])[] = [
  [10, 10 * 60_000],
  [20, 3_600_000],
  [40, 24 * 3_600_000],
];
const REMEMBERED_MS = 24 * 3_600_000;

/** When a field was put right (monotonic, ms), rising, and whether it was told that it is contested. */
interface Contest {
  times: readonly number[];
  told: boolean;
}

/** By field, of one object. */
export type Contests = ReadonlyMap<string, Contest>;

export type Ruling =
  | { heal: true }
  /** Not before `until`. `tell`: for the first time. */
  | { heal: false; until: number; tell: boolean; contests: Contests };

/** May these fields be put right now, in one write? One that may is enough: the others are written with it, and count. */
export function ruling(contests: Contests, fields: readonly string[], now: number): Ruling {
  const until = Math.min(...fields.map((field) => freeAt(contests.get(field)?.times ?? [], now)));
  if (until <= now) return { heal: true };
  const tell = fields.some((field) => contests.get(field)?.told === false);
  const told = fields.map((field): [string, Contest] => [
    field,
    { times: contests.get(field)?.times ?? [], told: true },
  ]);
  return { heal: false, until, tell, contests: new Map([...contests, ...told]) };
}

/** These fields were put right. */
export function healed(contests: Contests, fields: readonly string[], now: number): Contests {
  const kept = [...contests].flatMap(([field, { times, told }]): [string, Contest][] => {
    const recent = times.filter((time) => now - time < REMEMBERED_MS);
    return recent.length === 0 ? [] : [[field, { times: recent, told }]];
  });
  const fresh = new Map(kept);
  for (const field of fields) {
    const { times, told } = fresh.get(field) ?? { times: [], told: false };
    fresh.set(field, { times: [...times, now], told });
  }
  return fresh;
}

function freeAt(times: readonly number[], now: number): number {
  const ends = BOUNDS.map(([most, within]) => {
    const oldest = times.filter((time) => now - time < within).at(-most);
    return oldest === undefined ? now : oldest + within;
  });
  return Math.max(...ends);
}
