import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { givenUp, install, update } from "./agent.ts";
import { hub } from "./hub.ts";
import { type Shot, shoot } from "./kill.ts";
import { ordered } from "./ordered.ts";
import { bundleVictims, type Victims } from "./victims.ts";
import { wiped } from "./wiped.ts";

/** The nastiest of `npm run faults -- kill`, which plays all of them: each stands between two things that must not come apart. */
const SHOTS: readonly (Shot & { because: string })[] = [
  {
    scenario: install,
    point: { effect: "kube.apply", place: "after", nth: 3 },
    because: "applied, and not yet settled",
  },
  { scenario: update, point: { effect: "kube.delete", place: "after", nth: 1 }, because: "pruned, and not yet told" },
  {
    scenario: givenUp,
    point: { effect: "hold.give-up", place: "between", nth: 1 },
    because: "given up, not committed",
  },
  {
    scenario: ordered,
    point: { effect: "kube.apply", place: "after", nth: 6 },
    because: "a migration made, no uid known",
  },
  {
    scenario: wiped,
    point: { effect: "keep.take", place: "between", nth: 1 },
    because: "disk wiped, its marks read and not stored",
  },
  { scenario: hub, point: { effect: "store.ingest", place: "after", nth: 9 }, because: "stored, not acknowledged" },
  { scenario: hub, point: { effect: "store.decide", place: "after", nth: 2 }, because: "decided, not published" },
];

let victims: Victims;
beforeAll(async () => {
  victims = await bundleVictims();
});
afterAll(() => victims.remove());

describe.concurrent("a program that is killed loses nothing", () => {
  test.each(SHOTS)("$scenario.program, $because", async (shot) => {
    const [result] = await shoot([shot], victims, 1);
    expect(result).toMatchObject({ killed: 1, lost: [] });
  });
});
