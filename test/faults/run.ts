/**
 * `npm run faults [-- kill] [--points N|all] [--program agent|hub|skerry] [--story NAME] [--seed S]`: each program is killed at every
 * effect that it has on the world, started again, and has to lose nothing. One line for each place that was killed at.
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { closeWith } from "../support/run-vitest.ts";
import { neverTried } from "./effects.ts";
import {
  choose,
  discover,
  every,
  isBad,
  isTried,
  lineOf,
  placeIn,
  type Result,
  type Shot,
  shoot,
  sideBySide,
  twice,
} from "./kill.ts";
import { placeOf } from "./mortal.ts";
import { STORIES } from "./stories.ts";
import { bundleVictims } from "./victims.ts";

const AT_ONCE = 8;
/** A kill loses nothing of what the system holds in memory, so that no disk is needed. */
const MEMORY = "/dev/shm";

const { values, positionals } = parseArgs({
  options: {
    points: { type: "string", default: "all" },
    program: { type: "string" },
    story: { type: "string" },
    seed: { type: "string", default: "1" },
  },
  allowPositionals: true,
});
const [what = "kill"] = positionals;
const scenarios = STORIES.filter(
  ({ program, story }) =>
    (values.program === undefined || program === values.program) &&
    (values.story === undefined || story === values.story),
);
if (what !== "kill" || scenarios.length === 0) {
  process.stderr.write("usage: npm run faults [-- kill] [--points N|all] [--program NAME] [--story NAME] [--seed S]\n");
  process.exit(2);
}
if (existsSync(MEMORY)) process.env["TMPDIR"] = MEMORY;
const victims = await bundleVictims();
try {
  const seed = Number(values.seed);
  const started = performance.now();
  const tallies = await Promise.all(
    scenarios.map(async (scenario) => ({ scenario, tally: await discover(scenario, victims) })),
  );
  const places = tallies.reduce((sum, { tally }) => sum + Object.keys(tally).length, 0);
  const byStory = tallies.map(({ scenario, tally }): Shot[] => {
    const share = Math.round((Number(values.points) * Object.keys(tally).length) / places);
    const points = values.points === "all" ? every(tally) : choose(tally, share, seed);
    return points.map((point) => ({ scenario, point }));
  });
  const shots = sideBySide([...byStory, twice(tallies, seed)]);
  process.stdout.write(
    `${places} places of ${scenarios.length} stories; ${shots.length} points, seed ${values.seed}\n`,
  );
  const waiting = Map.groupBy(shots, placeIn);
  const shown = new Map<string, Result[]>();
  const results = await shoot(shots, victims, AT_ONCE, (result) => {
    const place = placeIn(result);
    const group = [...(shown.get(place) ?? []), result];
    shown.set(place, group);
    if (group.length === waiting.get(place)?.length) process.stdout.write(`${lineOf(place, group)}\n`);
  });
  const doubles = results.filter(({ again }) => again !== undefined);
  const both = doubles.filter(({ killed }) => killed === 2).length;
  process.stdout.write(`${both} of ${doubles.length} came to their second kill, too\n`);
  process.stdout.write(`${results.length} points in ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  // Only all the stories together come to every effect.
  const never =
    scenarios.length < STORIES.length ? [] : neverTried(results.filter(isTried).map(({ point }) => placeOf(point)));
  for (const effect of never) process.stdout.write(`${effect}: no story comes to it\n`);
  const failed = results.filter(isBad).length + never.length;
  const passed = results.filter((result) => !isBad(result) && isTried(result)).length;
  closeWith({ passed, failed, skipped: results.length + never.length - failed - passed });
} finally {
  victims.remove();
}
