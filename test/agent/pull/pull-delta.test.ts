import { beforeEach, describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import { changedFiles, packDelta } from "../../../shared/node/delta.ts";
import { deltaName } from "../../../shared/source/source.ts";
import { configMap, keys, type SignedBundle, signedBundle } from "../../support/fleet.ts";
import { pullingSite } from "./site.ts";

const many = (seq: number) =>
  signedBundle(
    { seq },
    [0, 1, 2].map((index) => configMap(`till-${index}`, { greeting: index === 1 ? `v${seq}` : "same" })),
  );

let site: ReturnType<typeof pullingSite>;
beforeEach(async () => {
  site = pullingSite();
  site.publish(many(1));
  await site.pull();
});

function frame(from: SignedBundle, to: SignedBundle): Uint8Array {
  const [old, next] = [from, to].map(({ document }): Bundle => JSON.parse(Buffer.from(document.body).toString()));
  if (old === undefined || next === undefined) throw new Error("two versions");
  const changed = changedFiles(old, next).map(({ path }) => ({ path, bytes: to.files.get(path) ?? new Uint8Array() }));
  const made = packDelta(
    { body: from.document.body, file: (path) => from.files.get(path) ?? null },
    { document: to.document, changed },
  );
  if (made === null) throw new Error("too large");
  return made;
}

/** As a publisher does: the version whole, and frames from older ones to it, in one push. */
function publish(to: SignedBundle, frames: Readonly<Record<string, Uint8Array>>): void {
  site.publish(to);
  site.commit("deltas/pos", frames, "deltas", true);
}

it("brings the newest version without asking for it whole, and asks for nothing after that", async () => {
  publish(many(2), { [deltaName(many(1).digest)]: frame(many(1), many(2)) });
  const before = site.asked("versions");
  await site.pull();
  expect(site.complete()).toEqual(["1.0.0", "1.1.0"]);
  await site.pull();
  expect([site.asked("versions"), site.asked("blobs"), site.asked("delta")]).toEqual([before, 1, 1]);
});

it("brings a site three versions on, and what it missed is fetched once it is assigned", async () => {
  site.publish(many(2));
  site.publish(many(3));
  publish(many(4), { [deltaName(many(1).digest)]: frame(many(1), many(4)) });
  await site.pull();
  expect(site.complete()).toEqual(["1.0.0", "1.3.0"]);
  await site.pull({ pos: [many(2).digest] });
  expect(site.complete()).toEqual(["1.0.0", "1.1.0", "1.3.0"]);
});

it("is not for a site that is further behind: the version is fetched whole", async () => {
  publish(many(9), { [deltaName(many(5).digest)]: frame(many(5), many(9)) });
  await site.pull();
  expect(site.complete()).toEqual(["1.0.0", "1.8.0"]);
});

describe("one that does not lead to what was signed costs nothing but the whole fetch", () => {
  const foreign = () => signedBundle({ seq: 2 }, undefined, { pos: keys.stranger });
  const cases: [string, () => Uint8Array][] = [
    ["made for another base", () => frame(many(5), many(2))],
    ["of a version that a stranger signed", () => frame(many(1), foreign())],
    ["to the version that is held", () => frame(many(1), many(1))],
    ["cut short", () => frame(many(1), many(2)).subarray(0, 40)],
    ["with a byte changed", () => frame(many(1), many(2)).map((byte, at) => (at === 30 ? byte ^ 1 : byte))],
    ["empty", () => new Uint8Array()],
    ["that is only zeros", () => new Uint8Array(100_000)],
  ];

  it.each(cases)("%s", async (_title, made) => {
    publish(many(2), { [deltaName(many(1).digest)]: made() });
    await site.pull();
    expect([site.complete(), site.told(), site.cache.refusals()]).toEqual([["1.0.0", "1.1.0"], [], []]);
  });
});
