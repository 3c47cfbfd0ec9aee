import * as fc from "fast-check";
import { expect, it } from "vitest";
import { Due } from "../../../hub/rollout/due.ts";
import type { SiteProgress } from "../../../hub/rollout/run.ts";
import { Sites } from "../../../hub/rollout/sites.ts";

function progress(since: number): SiteProgress {
  return { wave: 0, outcome: "pending", since, assignedAt: null, dueAt: null, code: null };
}

const changes = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.integer({ min: 0, max: 9 })), {
  maxLength: 4,
});

it("every version of the sites stays as it was, whichever of them another was made of, and knows what changed since", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), changes), { maxLength: 12 }), (story) => {
      const versions = [{ sites: Sites.of([["a", progress(0)]]), plain: new Map([["a", progress(0)]]) }];
      for (const [from, list] of story) {
        const made = list.map(([site, since]): [string, SiteProgress] => [site, progress(since)]);
        const before = versions[from % versions.length];
        if (before === undefined) continue;
        versions.push({ sites: before.sites.with(made), plain: new Map([...before.plain, ...made]) });
        for (const { sites, plain } of versions) expect([...sites]).toEqual([...plain]);
        const last = versions.at(-1);
        const changed = new Set(last?.sites.changedSince(before.sites).map((place) => last.sites.idAt(place)));
        // Others may be named, too, where it was not the newest that was changed.
        for (const [site] of made) {
          expect(changed).toContain(site);
          expect(last?.sites.get(site)).toEqual(last?.plain.get(site));
        }
        expect(before.sites.has("z")).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});

it("what is due comes once, not before its time, and never later than it was last asked for", () => {
  const asked = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 30 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(asked, { maxLength: 5 }), fc.nat(5)), { maxLength: 20 }), (story) => {
      const due = new Due();
      const plain = new Map<number, number>();
      let now = 0;
      for (const [list, wait] of story) {
        for (const [number, later] of list) {
          due.noLaterThan(number, now + later);
          plain.set(number, Math.min(plain.get(number) ?? Number.POSITIVE_INFINITY, now + later));
        }
        now += wait;
        const expected = [...plain].filter(([, at]) => at <= now).map(([number]) => number);
        expect(due.take(now).toSorted()).toEqual(expected.toSorted());
        for (const number of expected) plain.delete(number);
      }
    }),
    { numRuns: 300 },
  );
});
