import { expect, it } from "vitest";
import { choose } from "../../../agent/adopt/choose.ts";
import type { Hold, Marks, StoredVersion } from "../../../agent/cache/cache.ts";
import type { Pair } from "../../../shared/names.ts";

const version = (bundle: string, seq: number, complete = true): StoredVersion => ({
  bundle,
  version: `1.${seq}.0`,
  digest: `${bundle}-${seq}`,
  pair: [1, seq],
  floor: [1, 1],
  root: 1,
  files: [],
  complete,
});
const marks = (seq: number): Marks => ({ pair: [1, seq] as Pair, floor: [1, 1] });
const holdOf = (bundle: string, seq: number): Hold => {
  const state = { ...version(bundle, seq), values: "", given: {}, record: 1 };
  return { bundle, running: state, state: "applying", since: "", committed: null, previous: null, failed: [] };
};

it("takes the newest whole version of each bundle that is above all that was committed", () => {
  const versions = [
    version("base", 3),
    version("pos", 4),
    version("pos", 6),
    version("pos", 7, false),
    version("tax", 2),
  ];
  const found = choose(
    versions,
    [holdOf("pos", 5)],
    new Map([
      ["pos", marks(5)],
      ["base", marks(3)],
    ]),
  );
  expect(found).toEqual([
    { bundle: "base", version: "1.3.0", take: false },
    { bundle: "pos", version: "1.6.0", digest: "pos-6", take: true },
    { bundle: "tax", version: "1.2.0", digest: "tax-2", take: true },
  ]);
});

it("never goes back, and does not begin again what is under way", () => {
  expect(choose([version("pos", 4)], [], new Map([["pos", marks(9)]]))).toMatchObject([{ take: false }]);
  expect(choose([version("pos", 4)], [holdOf("pos", 4)], new Map())).toMatchObject([{ take: false }]);
});
