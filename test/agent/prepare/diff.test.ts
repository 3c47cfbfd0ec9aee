import * as fc from "fast-check";
import { expect, it } from "vitest";
import { diffOf, type ObjectChange } from "../../../agent/prepare/diff.ts";
import { sorted } from "../../../shared/canonical.ts";
import { CHANGES, DIFF_MAX_BYTES } from "../../../shared/diff.ts";
import { diffHash, openDiff } from "../../../shared/verify/diff.ts";
import { thrownCode } from "../../support/thrown.ts";

const change = (object: string, more: Partial<ObjectChange> = {}): ObjectChange => ({
  object,
  action: "change",
  fields: [{ path: "/spec/replicas", from: "1", to: "2" }],
  warnings: [],
  ...more,
});

it("begins with what a person must see, and counts what stays", () => {
  const none = { fields: [] };
  const found = diffOf([
    change("v1 Service shop/b"),
    change("v1 Service shop/a"),
    change("v1 ConfigMap shop/new", { action: "create", ...none }),
    change("v1 ConfigMap shop/old", { action: "delete", ...none }),
    change("v1 ConfigMap shop/same", { action: "unchanged", ...none }),
    change("v1 ConfigMap shop/bad", { action: "refused", ...none, words: "not a valid object of its kind" }),
  ]);
  expect(found.objects.map(({ action, object }) => `${action} ${object}`)).toEqual([
    "refused v1 ConfigMap shop/bad",
    "delete v1 ConfigMap shop/old",
    "create v1 ConfigMap shop/new",
    "change v1 Service shop/a",
    "change v1 Service shop/b",
  ]);
  expect(found.unchanged).toBe(1);
});

const text = fc.string({ maxLength: 60, unit: "binary" });
const changes = fc.array(
  fc.record({
    object: text,
    action: fc.constantFrom(...CHANGES, "unchanged" as const),
    fields: fc.array(fc.record({ path: text, to: text }), { maxLength: 100 }),
    warnings: fc.array(text, { maxLength: 7 }),
  }),
  { maxLength: 30 },
);

it("is the same in whatever order the changes were found, and what the hub takes", () => {
  fc.assert(
    fc.property(changes, fc.infiniteStream(fc.nat()), (found, order) => {
      const distinct = [...new Map(found.map((each) => [each.object.toWellFormed(), each])).values()];
      const diff = diffOf(distinct);
      const shuffled = distinct.map((each) => ({ each, at: order.next().value })).toSorted((a, b) => a.at - b.at);
      expect(diffHash(diffOf(shuffled.map(({ each }) => each)))).toBe(diffHash(diff));
      const sent: unknown = JSON.parse(sorted(diff));
      expect(openDiff(sent, diffHash(diff), "s-1")).toEqual(diff);
    }),
  );
});

it("is cut to what a packet takes, counts what it left out, and is another where that is another", () => {
  const many = (last: string) =>
    Array.from({ length: 3_000 }, (_, index) =>
      change(`v1 ConfigMap shop/c-${String(index).padStart(5, "0")}`, {
        fields: [{ path: "/data/x", from: "1", to: index === 2_999 ? last : "2" }],
      }),
    );
  const [one, two] = [diffOf(many("2")), diffOf(many("3"))];
  expect(Buffer.byteLength(sorted(one))).toBeLessThanOrEqual(DIFF_MAX_BYTES);
  expect(one.objects.length + (one.left?.count ?? 0)).toBe(3_000);
  expect(one.objects).toEqual(two.objects);
  expect(diffHash(one)).not.toBe(diffHash(two));
});

it("shows 60 fields of an object, and is another where the others are", () => {
  const wide = (last: string) =>
    diffOf([
      change("v1 ConfigMap shop/c", {
        fields: Array.from({ length: 100 }, (_, index) => ({ path: `/data/${index}`, to: index === 99 ? last : "1" })),
      }),
    ]);
  expect(wide("1").objects[0]).toMatchObject({ fields: { length: 60 }, left: { count: 40 } });
  expect(diffHash(wide("1"))).not.toBe(diffHash(wide("2")));
});

it("is refused where it is not the one that was reported, or no diff", () => {
  const diff = diffOf([change("v1 ConfigMap shop/c")]);
  const lie = diffOf([change("v1 ConfigMap shop/c", { fields: [] })]);
  expect(thrownCode(() => openDiff(lie, diffHash(diff), "s-1"))).toBe("digest");
  expect(thrownCode(() => openDiff({ ...diff, more: 1 }, diffHash(diff), "s-1"))).toBe("schema");
  const objects = Array.from({ length: 2_000 }, () => ({ object: "x".repeat(400), action: "create" }));
  const huge = { objects, unchanged: 0 };
  expect(thrownCode(() => openDiff(huge, diffHash(diff), "s-1"))).toBe("too-large");
});
