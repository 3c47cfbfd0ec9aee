import { expect, test } from "vitest";
import { wantedStatuses } from "../../../hub/notify/status.ts";
import { inWordsPause } from "../../../hub/rollout/because.ts";
import type { Phase } from "../../../hub/rollout/run.ts";
import { Sites } from "../../../hub/rollout/sites.ts";
import { run, seen } from "../../contract/store/samples.ts";

const COMMIT = "c".repeat(40);
const person = { kind: "person", who: "ada", reason: "stock-taking" } as const;

function told(phase: Phase, more: Parameters<typeof seen>[1] = {}) {
  const waves = ["lab", "rest"].map((name) => ({ name, sites: [], soakSeconds: 0, success: "100%" }));
  const plan = { seed: "s", waves, left: [], doubly: [] };
  const { run: stored } = run("pos-2", { phase, plan });
  const rollouts = [seen("pos", { commit: COMMIT, ...more })];
  const runs = [{ ...stored, id: "pos-1", phase: { kind: "completed", at: 1 } as const }, stored];
  const all = runs.map((each) => ({ ...each, sites: Sites.of([]) }));
  return wantedStatuses(rollouts, all, inWordsPause).map(({ state, words }) => `${state} ${words}`);
}

test.each<[Phase, string]>([
  [{ kind: "planned" }, "pending pos-2: pos 1.4.2 waits to begin"],
  [{ kind: "rolling", wave: 1, step: "soaking", since: 1 }, "pending pos-2: pos 1.4.2 moves through wave rest, 2 of 2"],
  [{ kind: "paused", because: person, resume: { wave: 0 }, since: 1 }, "failure pos-2 paused: by ada: stock-taking"],
  [{ kind: "completed", at: 1 }, "success pos-2: pos 1.4.2 completed"],
  [
    { kind: "reverted", at: 1, wave: null, because: person, left: [], jobs: [] },
    "failure pos-2 went back: by ada: stock-taking",
  ],
  [{ kind: "aborted", who: "ada", reason: "no", at: 1 }, "failure pos-2 aborted by ada: no"],
])("of the last run, as people act on it: %j", (phase, words) => {
  expect(told(phase)).toEqual([words]);
});

test("a file that was refused is an error with its file and line; a deleted one, and what is no commit, has none", () => {
  const refused = "schema: unknown key (rollouts/pos.yaml:6 /waves/0/soack)";
  expect(told({ kind: "planned" }, { refused })).toEqual([`error ${refused}`]);
  expect(told({ kind: "planned" }, { sha256: null })).toEqual([]);
  expect(told({ kind: "planned" }, { commit: "main#2" })).toEqual([]);
});
