import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlanInput } from "../../../agent/plan/plan.ts";
import { configMap } from "../../support/fleet.ts";
import { observed } from "../observe/sample.ts";
import { bundleOf, inWords, liveOf, planned, row } from "./sample.ts";

describe("whatever is there", () => {
  const names = ["a", "b", "c", "d", "e"];
  const all = bundleOf(names.map((name) => configMap(name)));
  // Signed and rendered once for each of the few that there are.
  const bundles = new Map<string, typeof all>();
  const bundleOfNames = (wanted: readonly string[]) => {
    const bundle = bundles.get(wanted.join()) ?? bundleOf(wanted.map((name) => configMap(name)));
    bundles.set(wanted.join(), bundle);
    return bundle;
  };
  const world = fc.record({
    wanted: fc.subarray(names, { minLength: 1 }),
    rows: fc.dictionary(
      fc.constantFrom(...names),
      fc.record({ state: fc.constantFrom("intended", "applied"), current: fc.boolean() }),
    ),
    live: fc.dictionary(
      fc.constantFrom(...names),
      fc.record({
        uid: fc.constantFrom("own", "other"),
        bundle: fc.constantFrom("pos", "base", ""),
        deleting: fc.boolean(),
        drift: fc.boolean(),
      }),
    ),
    unseen: fc.boolean(),
    share: fc.constantFrom(0, 0.2, 0.5, 1),
  });
  type World = typeof world extends fc.Arbitrary<infer T> ? T : never;
  const inputOf = ({ wanted, rows, live, unseen, share }: World): Omit<PlanInput, "health"> => ({
    desired: bundleOfNames(wanted),
    inventory: Object.entries(rows).map(([name, { state, current }]) =>
      row(all, name, { state: state === "intended" ? "intended" : "applied", ...(current ? {} : { desired: "old" }) }),
    ),
    live: liveOf(
      Object.entries(live).map(([name, { uid, bundle: label, deleting, drift }]) =>
        observed(configMap(name), {
          bundle: label,
          deleting,
          ...(uid === "other" ? { uid } : {}),
          ...(drift ? { live: "x" } : {}),
        }),
      ),
      unseen ? { "v1 ConfigMap": "broken" } : {},
    ),
    backoff: new Map(),
    left: new Map(),
    moves: true,
    phases: [],
    jobs: { run: true, records: [] },
    others: new Map(),
    allow: [],
    pruneShare: share,
    removes: false,
    now: 0,
  });

  it("nothing that the bundle wants is deleted, nothing of others, nothing unseen, never over the share", () => {
    fc.assert(
      fc.property(world, (given) => {
        const input = inputOf(given);
        const { steps } = planned(input.desired, input);
        const deletes = steps.filter((step) => step.do === "delete");
        for (const { ref, uid } of deletes) {
          expect(given.wanted).not.toContain(ref.name);
          expect(given.rows[ref.name]).toBeDefined();
          expect([given.live[ref.name]?.bundle, uid, given.unseen]).toEqual(["pos", `uid-${ref.name}`, false]);
        }
        expect(deletes.length).toBeLessThanOrEqual(given.share * input.inventory.length);
        if (deletes.length > 0) expect(steps.some((step) => step.do === "apply")).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it("it comes to rest: once every step is done, nothing is left to do", () => {
    fc.assert(
      fc.property(world, (given) => {
        let input = inputOf({ ...given, unseen: false, share: 1 });
        for (let round = 0; round < 3; round += 1) input = afterwards(input);
        expect(planned(input.desired, input).steps).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("the same input gives the same plan, and objects in another order the same steps", () => {
    fc.assert(
      fc.property(world, (given) => {
        const input = inputOf(given);
        expect(planned(input.desired, input)).toEqual(planned(input.desired, input));
        const turned = { ...input, desired: { ...input.desired, objects: input.desired.objects.toReversed() } };
        expect(inWords(planned(turned.desired, turned)).toSorted()).toEqual(
          inWords(planned(input.desired, input)).toSorted(),
        );
      }),
    );
  });

  /** A cluster and an inventory after a perfect executor did every step. */
  function afterwards(input: Omit<PlanInput, "health">): Omit<PlanInput, "health"> {
    const rows = new Map(input.inventory.map((each) => [each.object.name, each]));
    const objects = new Map(input.live.objects);
    for (const step of planned(input.desired, input).steps) {
      const key = `v1 ConfigMap shop/${step.ref.name}`;
      if (step.do === "apply") {
        const uid = objects.get(key)?.uid ?? `uid-${step.ref.name}`;
        rows.set(step.ref.name, {
          object: step.ref,
          uid,
          desired: step.hash,
          fields: "f",
          live: "l",
          state: "applied",
        });
        objects.set(key, observed(configMap(step.ref.name), { uid }));
      } else {
        rows.delete(step.ref.name);
        if (step.do === "delete") objects.delete(key);
      }
    }
    return { ...input, inventory: [...rows.values()], live: { ...input.live, objects } };
  }
});
