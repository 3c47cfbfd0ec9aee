/**
 * `npm run faults [-- kill] [--points N|all] [--program agent|hub|skerry] [--story NAME] [--seed S]`: each program is killed at every kind of
 * effect that it has on the world, started again, and has to lose nothing. One line for each place that was killed at.
 */
import { parseArgs } from "node:util";
import { closeWith } from "../support/run-vitest.ts";
import { agent } from "./agent.ts";
import { hub } from "./hub.ts";
import { choose, discover, every, inLines, type Shot, shoot } from "./kill.ts";
import { ordered } from "./ordered.ts";
import { skerry } from "./skerry.ts";
import { bundleVictims } from "./victims.ts";
import { wiped } from "./wiped.ts";

const SCENARIOS = [agent, ordered, wiped, hub, skerry];
const AT_ONCE = 3;

const { values, positionals } = parseArgs({
  options: {
    points: { type: "string", default: "100" },
    program: { type: "string" },
    story: { type: "string" },
    seed: { type: "string", default: "1" },
  },
  allowPositionals: true,
});
const [what = "kill"] = positionals;
const scenarios = SCENARIOS.filter(
  ({ program, story = "" }) =>
    (values.program === undefined || program === values.program) &&
    (values.story === undefined || story === values.story),
);
if (what !== "kill" || scenarios.length === 0) {
  process.stderr.write("usage: npm run faults [-- kill] [--points N|all] [--program NAME] [--story NAME] [--seed S]\n");
  process.exit(2);
}
const victims = await bundleVictims();
try {
  const tallies = await Promise.all(
    scenarios.map(async (scenario) => ({ scenario, tally: await discover(scenario, victims) })),
  );
  const places = tallies.reduce((sum, { tally }) => sum + Object.keys(tally).length, 0);
  const shots = tallies.flatMap(({ scenario, tally }): Shot[] => {
    const share = Math.round((Number(values.points) * Object.keys(tally).length) / places);
    const points = values.points === "all" ? every(tally) : choose(tally, share, Number(values.seed));
    return points.map((point) => ({ scenario, point }));
  });
  process.stdout.write(
    `${places} places of ${scenarios.length} programs; ${shots.length} points, seed ${values.seed}\n`,
  );
  const started = performance.now();
  const results = await shoot(shots, victims, AT_ONCE);
  for (const line of inLines(results)) process.stdout.write(`${line}\n`);
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  const failed = results.filter(({ lost }) => lost.length > 0).length;
  const skipped = results.filter(({ lost, reached }) => lost.length === 0 && !reached).length;
  closeWith({ passed: results.length - failed - skipped, failed, skipped });
} finally {
  victims.remove();
}
