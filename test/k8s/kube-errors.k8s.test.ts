import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "./cluster.ts";
import { CASES, STORED_BEFORE } from "./kube-errors.ts";
import { comparable, Provoker, type Recorded } from "./provoke.ts";
import { whileStarting } from "./starting.ts";

/** What was recorded is what the server still answers: on a control plane of its own, for it is killed in the end. */
const recorded = JSON.parse(
  readFileSync(new URL("../golden/kube-errors/answers.json", import.meta.url), "utf8"),
) as Record<string, Recorded>;
const ON_START = ["just started, paths not installed", "just started, roles not read"];
const foreign = (process.env["SKERRY_TEST_KUBECONFIG"] ?? "") !== "";

let plane: ControlPlane;
let on: Provoker;
beforeAll(async () => {
  plane = await startControlPlane({ sites: 1 });
  on = await Provoker.on(plane);
});
afterAll(async () => {
  await on?.cleanUp();
  await plane?.stop();
});

test("each recorded answer has a way to provoke it", () => {
  expect(Object.keys(recorded).toSorted()).toEqual([...Object.keys(CASES), ...ON_START].toSorted());
});

test.for(Object.entries(CASES))("%s", async ([name, provoke], { skip }) => {
  skip(foreign && name === STORED_BEFORE, "what a cluster that is not ours has stored is not changed");
  expect(comparable(await provoke(on))).toEqual(comparable(recorded[name] as Recorded));
});

test("while it starts", async ({ skip }) => {
  skip(foreign, "a cluster that is not ours is not killed");
  const [site] = plane.sites;
  if (site === undefined) throw new Error("no site");
  // Which of them a start shows is a matter of milliseconds.
  for (const [name, answer] of Object.entries(await whileStarting(site))) {
    expect(comparable(answer)).toEqual(comparable(recorded[name] as Recorded));
  }
});
