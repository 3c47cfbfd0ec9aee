import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FleetMember } from "../../../hub/registry/site.ts";
import { plan } from "../../../hub/rollout/plan.ts";
import type { Plan } from "../../../hub/rollout/run.ts";
import { memberOf, specOf, targetOf } from "./samples.ts";

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9999 }), { minLength: 20, maxLength: 60 });
const seeds = fc.string({ minLength: 1, maxLength: 8 });
const takes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 });

/** Twenty sites are enough for four times 60 %: each share finds a site to take. */
function planned(numbers: readonly number[], shares: readonly number[], seed: string): Plan {
  const waves = shares.map((share, index) => ({ name: `w${index}`, take: `${share}%` }));
  const fleet = numbers.map((number) => memberOf(`s-${number}`));
  return plan(specOf({ waves }), targetOf(2), fleet, seed);
}

function waveOf(result: Plan): Map<string, string> {
  return new Map(result.waves.flatMap((wave) => wave.sites.map((site) => [site, wave.name])));
}

const share = fc.integer({ min: 1, max: 60 });

function labelled(number: number): FleetMember {
  const model = number % 7 === 0 ? {} : { model: `m${number % 2}` };
  return memberOf(`s-${number}`, { region: `r${number % 5}`, ...model });
}

function spread(numbers: readonly number[], first: number, seed: string) {
  const fleet = numbers.map(labelled);
  const spec = specOf({ waves: [{ name: "a", take: `${first}%`, spread: ["region", "model"] }] });
  const sites = new Set(plan(spec, targetOf(2), fleet, seed).waves[0]?.sites);
  return { fleet, taken: fleet.filter(({ id }) => sites.has(id)), of: sites.size };
}

function count(members: readonly FleetMember[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { labels } of members) {
    const key = `${labels["region"]} ${labels["model"]}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return found;
}

describe("plan", () => {
  it("puts each site in exactly one wave", () => {
    fc.assert(
      fc.property(ids, takes, seeds, (numbers, shares, seed) => {
        const sites = planned(numbers, shares, seed).waves.flatMap((wave) => wave.sites);
        expect(sites.toSorted()).toEqual(numbers.map((number) => `s-${number}`).toSorted());
      }),
    );
  });

  it("does not depend on the order in which the fleet is given", () => {
    fc.assert(
      fc.property(ids, takes, seeds, (numbers, shares, seed) => {
        expect(planned(numbers.toReversed(), shares, seed)).toEqual(planned(numbers, shares, seed));
      }),
    );
  });

  it("moves at most one site over each border between waves when a site joins", () => {
    fc.assert(
      fc.property(ids, takes, seeds, (numbers, shares, seed) => {
        const before = waveOf(planned(numbers, shares, seed));
        const after = waveOf(planned([...numbers, 10_000], shares, seed));
        const moved = [...before].filter(([site, wave]) => after.get(site) !== wave);
        expect(moved.length).toBeLessThanOrEqual(shares.length);
      }),
    );
  });

  it("takes as many as `take` and `upTo` say, whatever it is spread over", () => {
    fc.assert(
      fc.property(ids, share, share, seeds, (numbers, first, more, seed) => {
        const upTo = Math.min(100, first + more);
        const waves = [
          { name: "a", take: `${first}%`, spread: ["region"] },
          { name: "b", upTo: `${upTo}%`, spread: ["region", "model"] },
        ];
        const fleet = numbers.map(labelled);
        const wanted = Math.ceil((upTo * numbers.length) / 100);
        const taken = Math.ceil((first * numbers.length) / 100);
        if (wanted <= taken) return;
        const result = plan(specOf({ waves }), targetOf(2), fleet, seed);
        expect(result.waves.slice(0, 2).map((wave) => wave.sites.length)).toEqual([taken, wanted - taken]);
        expect(result.waves.flatMap((wave) => wave.sites).toSorted()).toEqual(fleet.map(({ id }) => id).toSorted());
      }),
    );
  });

  it("spreads a wave so that each combination of labels is within one site of its share", () => {
    fc.assert(
      fc.property(ids, share, seeds, (numbers, first, seed) => {
        const { fleet, taken, of } = spread(numbers, first, seed);
        for (const [key, size] of count(fleet)) {
          const proportional = (size * of) / fleet.length;
          expect(Math.abs((count(taken).get(key) ?? 0) - proportional)).toBeLessThan(1);
        }
      }),
    );
  });

  it("moves no more sites of a spread wave than there are combinations, and one, when a site joins", () => {
    fc.assert(
      fc.property(ids, share, seeds, (numbers, first, seed) => {
        const before = new Set(spread(numbers, first, seed).taken.map(({ id }) => id));
        const after = spread([...numbers, 10_000], first, seed);
        const now = new Set(after.taken.map(({ id }) => id));
        const moved = numbers.map(labelled).filter(({ id }) => before.has(id) !== now.has(id));
        expect(moved.length).toBeLessThanOrEqual(count(after.fleet).size + 1);
      }),
    );
  });

  it("takes at least the share of what remains, and less than one site more", () => {
    fc.assert(
      fc.property(ids, takes, seeds, (numbers, shares, seed) => {
        const result = planned(numbers, shares, seed);
        let remaining = numbers.length;
        for (const [index, share] of shares.entries()) {
          const taken = result.waves[index]?.sites.length ?? 0;
          expect(taken * 100).toBeGreaterThanOrEqual(share * remaining);
          expect((taken - 1) * 100).toBeLessThan(share * remaining);
          remaining -= taken;
        }
      }),
    );
  });

  it("chooses other canaries by another seed, and not the alphabet's first", () => {
    const numbers = Array.from({ length: 200 }, (_, index) => index + 100);
    const first = planned(numbers, [5], "one").waves[0]?.sites ?? [];
    const second = planned(numbers, [5], "two").waves[0]?.sites ?? [];
    const alphabet = numbers.slice(0, 10).map((number) => `s-${number}`);
    expect(first).toHaveLength(10);
    expect(first.toSorted()).not.toEqual(alphabet);
    expect(first.toSorted()).not.toEqual(second.toSorted());
  });
});
