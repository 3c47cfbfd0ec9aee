import * as fc from "fast-check";
import { expect, it } from "vitest";
import { delegationFor } from "../../shared/root.ts";
import { rootDocument } from "../support/fleet.ts";

function patternFor(patterns: readonly string[], bundle: string): string | undefined {
  const bundles = patterns.map((pattern) => ({
    pattern,
    keys: ["pos"],
    threshold: 1,
    epoch: 1,
    namespaces: [],
    kinds: [],
  }));
  return delegationFor(rootDocument({ bundles }), bundle)?.pattern;
}

it.each<[string, string[], string, string | undefined]>([
  ["nobody", ["pos*"], "base", undefined],
  ["a prefix", ["pos*", "*"], "pos-till", "pos*"],
  ["the longest prefix", ["*", "pos*", "pos-t*"], "pos-till", "pos-t*"],
  ["an exact name before a prefix of the same letters", ["pos*", "pos"], "pos", "pos"],
  ["an exact name is no prefix", ["pos"], "pos-till", undefined],
  ["everybody else", ["pos", "*"], "base", "*"],
])("%s signs", (_title, patterns, bundle, expected) => {
  expect(patternFor(patterns, bundle)).toBe(expected);
  expect(patternFor(patterns.toReversed(), bundle)).toBe(expected);
});

it("of two that match, the one that takes fewer names decides", () => {
  const word = fc.stringMatching(/^[a-c]{1,4}$/);
  const pattern = fc.oneof(
    word,
    word.map((text) => `${text}*`),
    fc.constant("*"),
  );
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { maxLength: 6 }), word, (patterns, bundle) => {
      const matching = patterns.filter((each) => new RegExp(`^${each.replace("*", ".*")}$`).test(bundle));
      const found = patternFor(patterns, bundle);
      if (found === undefined) {
        expect(matching).toEqual([]);
        return;
      }
      expect(matching).toContain(found);
      for (const other of matching)
        expect(found === bundle || (other !== bundle && found.length >= other.length)).toBe(true);
    }),
  );
});
