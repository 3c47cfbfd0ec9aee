import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Labels, Selector } from "../../shared/names.ts";
import { selects } from "../../shared/selector.ts";

/** Label selectors again, the slow and obvious way: over a list of pairs, one sentence of the Kubernetes docs a line. */
function oracle(selector: Selector, labels: Labels): boolean {
  const pairs = new Set(Object.entries(labels).map(([key, value]) => `${key}=${value}`));
  const keys = Object.keys(labels);
  if (!Array.isArray(selector.matchExpressions)) {
    return Object.entries(selector).filter(([key, value]) => !pairs.has(`${key}=${String(value)}`)).length === 0;
  }
  const { matchLabels = {}, matchExpressions } = selector as Exclude<Selector, Labels>;
  if (!oracle(matchLabels, labels)) return false;
  return (matchExpressions as { key: string; operator: string; values?: string[] }[]).every((each) => {
    const any = (each.values ?? []).some((value) => pairs.has(`${each.key}=${value}`));
    if (each.operator === "In") return any;
    if (each.operator === "NotIn") return !any;
    if (each.operator === "Exists") return keys.includes(each.key);
    return !keys.includes(each.key);
  });
}

const keys = fc.constantFrom("ring", "region", "constructor", "toString");
const values = fc.constantFrom("lab", "north", "");
const labels = fc.dictionary(keys, values, { noNullPrototype: true });
const expression = fc.record(
  {
    key: keys,
    operator: fc.constantFrom<"In" | "NotIn" | "Exists" | "DoesNotExist">("In", "NotIn", "Exists", "DoesNotExist"),
    values: fc.array(values, { maxLength: 3 }),
  },
  { requiredKeys: ["key", "operator"] },
);
const selector: fc.Arbitrary<Selector> = fc.oneof(
  labels,
  fc.record({ matchLabels: labels, matchExpressions: fc.array(expression, { maxLength: 3 }) }),
  fc.record({ matchExpressions: fc.array(expression, { maxLength: 3 }) }),
);

describe("a selector", () => {
  it("agrees with the obvious way for any labels", () => {
    fc.assert(
      fc.property(selector, labels, (wanted, given) => {
        expect(selects(wanted, given)).toBe(oracle(wanted, given));
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, Selector, Labels, boolean]>([
    ["the empty one takes every site", {}, {}, true],
    ["all pairs of the short form must hold", { ring: "lab", region: "north" }, { ring: "lab" }, false],
    ["an absent label is not an empty one", { ring: "" }, {}, false],
    [
      "NotIn takes a site without the label",
      { matchExpressions: [{ key: "a", operator: "NotIn", values: ["x"] }] },
      {},
      true,
    ],
    ["In without values takes nothing", { matchExpressions: [{ key: "a", operator: "In" }] }, { a: "x" }, false],
    ["no expressions take every site", { matchExpressions: [] }, { a: "x" }, true],
    [
      "a name that every JavaScript object has is no label",
      { matchExpressions: [{ key: "constructor", operator: "Exists" }] },
      {},
      false,
    ],
    ["a label may be called matchExpressions", { matchExpressions: "x" }, { matchExpressions: "x" }, true],
  ])("%s", (_title, wanted, given, expected) => {
    expect(selects(wanted, given)).toBe(expected);
  });
});
