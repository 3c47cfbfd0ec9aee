import { describe, expect, it } from "vitest";
import type { InventoryRow, JobRecord } from "../../../agent/cache/cache.ts";
import type { PlanInput } from "../../../agent/plan/plan.ts";
import type { KubeObject, Observed } from "../../../shared/live.ts";
import { object } from "../../shared/render/sample.ts";
import { configMap } from "../../support/fleet.ts";
import { observed } from "../observe/sample.ts";
import { bundleOf, inWords, liveOf, planned, refName, row } from "./sample.ts";

const job: KubeObject = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "migrate", namespace: "shop" },
  spec: { template: { spec: { containers: [] } } },
};
const bundle = bundleOf([job]);
const own = row(bundle, "migrate");
const UNSEEN = { "batch/v1 Job": "not listed yet" };

/** What is on record of it: begun (without or with a uid), or how it ended. */
function record(
  result: JobRecord["result"] = null,
  uid: string | null = "uid-migrate",
  digest = bundle.digest,
): JobRecord {
  const [{ ref } = { ref: own.object }] = bundle.objects;
  return { object: ref, digest, version: "1.0.0", uid, result };
}

const runs = { health: "progressing", because: "0 of 1 completions" } as const;
const done = { health: "healthy" } as const;
const broken = { health: "failed", because: "job failed: BackoffLimitExceeded" } as const;

interface Case {
  records?: JobRecord[];
  rows?: InventoryRow[];
  live?: Observed[];
  unseen?: Record<string, string>;
  /** Whether the move runs Jobs; it does where nothing is said. */
  run?: boolean;
  does: string[];
}

describe("in a move to a higher version, a Job", () => {
  it.each<[string, Case]>([
    ["is started", { does: ["start Job migrate"] }],
    [
      "waits while it cannot be told what is there",
      { unseen: UNSEEN, does: ["waits for watch: batch/v1 Job shop/migrate not listed yet"] },
    ],
    [
      "is sent again where a kill came before the answer",
      { records: [record(null, null)], does: ["start Job migrate"] },
    ],
    [
      "is sent again where a kill came after it was made, to learn its uid",
      {
        records: [record(null, null)],
        rows: [row(bundle, "migrate", { state: "intended", uid: null })],
        live: [observed(job, { verdict: done })],
        does: ["start Job migrate"],
      },
    ],
    ["is waited for", { records: [record()], rows: [own], live: [observed(job, { verdict: runs })], does: [] }],
    [
      "that is done goes on record",
      {
        records: [record()],
        rows: [own],
        live: [observed(job, { verdict: done })],
        does: ["finish Job migrate: complete"],
      },
    ],
    [
      "that failed goes on record",
      {
        records: [record()],
        rows: [own],
        live: [observed(job, { verdict: broken })],
        does: ["finish Job migrate: failed"],
      },
    ],
    [
      "that is done, on record, is deleted",
      {
        records: [record("complete")],
        rows: [own],
        live: [observed(job, { verdict: done })],
        does: ["delete Job migrate (finished)"],
      },
    ],
    [
      "that is done and deleted is forgotten",
      { records: [record("complete")], rows: [own], does: ["forget Job migrate"] },
    ],
    ["that is done and forgotten is never started again", { records: [record("complete")], does: [] }],
    [
      "that is done leaves another of its name, which somebody made since, alone",
      { records: [record("complete")], live: [observed(job, { uid: "other", bundle: "" })], does: [] },
    ],
    [
      "that failed stays to be looked at",
      { records: [record("failed")], rows: [own], live: [observed(job, { verdict: broken })], does: [] },
    ],
    [
      "that is gone before its end is a question for a person",
      {
        records: [record()],
        rows: [own],
        does: [
          "waits for job: batch/v1 Job shop/migrate was begun and is gone, and nobody saw it end: whether it did its work is not known",
        ],
      },
    ],
    [
      "that somebody replaced is the same question",
      {
        records: [record()],
        rows: [own],
        live: [observed(job, { uid: "other", verdict: done })],
        does: [
          "waits for job: batch/v1 Job shop/migrate was begun and is gone, and nobody saw it end: whether it did its work is not known",
        ],
      },
    ],
    [
      "cannot be said to be gone while its kind is not seen",
      {
        records: [record()],
        rows: [own],
        unseen: UNSEEN,
        does: ["waits for watch: batch/v1 Job shop/migrate not listed yet"],
      },
    ],
    [
      "that is edited while it runs is put right",
      {
        records: [record()],
        rows: [own],
        live: [observed(job, { verdict: runs, live: "x" })],
        does: ["apply Job migrate: drift"],
      },
    ],
    [
      "first has the one of an older version out of its place",
      {
        rows: [row(bundle, "migrate", { desired: "old" })],
        live: [observed(job, { verdict: broken })],
        does: ["delete Job migrate (predecessor)"],
      },
    ],
    [
      "waits until that is gone",
      {
        rows: [row(bundle, "migrate", { desired: "old" })],
        live: [observed(job, { deleting: true })],
        does: ["waits for deletion: batch/v1 Job shop/migrate is being deleted"],
      },
    ],
    ["follows one that is gone", { rows: [row(bundle, "migrate", { desired: "old" })], does: ["start Job migrate"] }],
    [
      "of a life whose disk was lost is taken on",
      { live: [observed(job, { verdict: runs })], does: ["start Job migrate"] },
    ],
    [
      "of another bundle is not",
      {
        live: [observed(job, { bundle: "base" })],
        does: ["waits for taken: batch/v1 Job shop/migrate bundle base has it"],
      },
    ],
    [
      "counts the record of its own version only",
      { records: [record("complete", "u", "older")], does: ["start Job migrate"] },
    ],
  ])("%s", (_title, { records = [], rows = [], live = [], unseen = {}, run = true, does }) => {
    expect(inWords(planned(bundle, { jobs: { run, records }, inventory: rows, live: liveOf(live, unseen) }))).toEqual(
      does,
    );
  });
});

describe("in any other move, and at rest, a Job", () => {
  const still = (changes: Partial<PlanInput>) => {
    const { records = [] } = changes.jobs ?? {};
    return inWords(planned(bundle, { ...changes, jobs: { run: false, records } }));
  };

  it("is not run", () => {
    expect(still({})).toEqual([]);
    expect(still({ live: liveOf([], UNSEEN) })).toEqual([]);
  });

  it("that an earlier move began goes on to its end", () => {
    const live = liveOf([observed(job, { verdict: done })]);
    expect(still({ jobs: { run: false, records: [record()] }, inventory: [own], live })).toEqual([
      "finish Job migrate: complete",
    ]);
  });

  it("of a version that was given up goes at once, before the others are back", () => {
    const both = bundleOf([job, configMap("till")]);
    const plan = planned(both, {
      jobs: { run: false, records: [record()] },
      inventory: [own],
      live: liveOf([observed(job, { verdict: runs })]),
    });
    expect(inWords(plan)).toEqual(["apply ConfigMap till: absent", "delete Job migrate"]);
  });
});

it("a plan says who is applied, and who only then", () => {
  const both = bundleOf([job, configMap("till"), object("v1", "Service", "shop")]);
  const failed = planned(both, {
    phases: [{ name: "migrate", objects: { kind: "Job" } }],
    jobs: { run: true, records: [{ ...record("failed"), digest: both.digest }] },
    inventory: [row(both, "migrate")],
    live: liveOf([observed(job, { verdict: broken })]),
  });
  expect(failed.failed).toBe(`phase migrate: ${refName(job)} has failed`);
  expect(failed.steps).toEqual([]);
});
