import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Cache } from "../../../agent/cache/cache.ts";
import { sqliteCache } from "../../../agent/cache/sqlite.ts";
import { silent } from "../../../shared/ports.ts";
import { memoryCache } from "../../support/cache.ts";
import { observe } from "./observe.ts";
import { event, hold, object, record, refusal, row, signed, version } from "./samples.ts";

/** One call, with words for the counterexample. */
interface Step {
  words: string;
  run(cache: Cache): unknown;
}

// Few names, so that calls meet each other's rows.
const bundle = fc.constantFrom("pos", "base", "old");
const digest = fc.constantFrom("d1", "d2", "d3");
const blob = fc.constantFrom("f0", "f1", "f2", "f3", "f9");
const named = fc.constantFrom("a", "b");
const small = fc.nat(6);
const pair = fc.tuple(small, small);
const confirmed = fc.record({ report: small, event: small, frame: fc.uint8Array({ minLength: 1, maxLength: 2 }) });
const text = fc.string({ unit: "grapheme", maxLength: 5 });

function step<A extends unknown[]>(
  name: string,
  args: { [K in keyof A]: fc.Arbitrary<A[K]> },
  run: (cache: Cache, ...args: A) => unknown,
): fc.Arbitrary<Step> {
  return fc.tuple<A>(...args).map((drawn) => ({
    words: `${name}(${JSON.stringify(drawn)})`,
    run: (cache) => run(cache, ...drawn),
  }));
}

const single = fc.oneof(
  step("keepRoot", [small, text], (cache, number, words) => cache.keepRoot(number, signed(words))),
  step("keepRecord", [small, small, text], (cache, number, root, words) =>
    cache.keepRecord(record(number, root, signed(words))),
  ),
  step("dropRecordsBut", [fc.array(small)], (cache, needed) => cache.dropRecordsBut(new Set(needed))),
  step(
    "keepManifest",
    [digest, bundle, small, fc.array(blob, { maxLength: 3 }), fc.boolean()],
    (cache, of, name, seq, files, complete) =>
      cache.keepManifest(version(of, { bundle: name, pair: [1, seq + 1], files, complete }), signed(of + seq)),
  ),
  step("completeVersion", [digest], (cache, of) => cache.completeVersion(of)),
  step("dropVersion", [digest], (cache, of) => cache.dropVersion(of)),
  step("keepBlob", [blob, fc.uint8Array({ maxLength: 4 })], (cache, name, bytes) => cache.keepBlob(name, bytes)),
  step("keepRefusal", [bundle, named, text], (cache, name, id, words) =>
    cache.keepRefusal(refusal(name, id, { words })),
  ),
  step("dropRefusal", [bundle, named], (cache, name, id) => cache.dropRefusal(name, id)),
  step("keepHold", [bundle, fc.constantFrom("verifying", "committed")], (cache, name, state) =>
    cache.keepHold(hold(name, { state })),
  ),
  step("keepHeld", [fc.option(small)], (cache, spentMs) =>
    cache.keepHeld(spentMs === null ? null : { spentMs, asks: [], told: false }),
  ),
  step("raiseMarks", [bundle, pair, pair], (cache, name, raised, floor) =>
    cache.raiseMarks(name, { pair: raised, floor }),
  ),
  step("raiseFloorTime", [small], (cache, at) => cache.raiseFloorTime(at)),
  step("keepInventory", [bundle, fc.array(fc.tuple(named, fc.option(text)))], (cache, name, rows) =>
    cache.keepInventory(
      name,
      rows.map(([of, uid]) => row(of, { uid })),
    ),
  ),
  step("dropInventory", [bundle, fc.array(named)], (cache, name, of) =>
    cache.dropInventory(
      name,
      of.map((each) => object(each)),
    ),
  ),
  step("keepAssignment", [small, small], (cache, term, number) =>
    cache.keepAssignment({ term, number, key: "k", frame: new Uint8Array([term]) }),
  ),
  step("takeReportNumber", [], (cache) => cache.takeReportNumber()),
  step("acknowledge", [confirmed], (cache, of) => cache.acknowledge(of, 1)),
  step("addEvents", [fc.array(text, { maxLength: 3 })], (cache, words) => cache.addEvents(words.map(event))),
  step("numberEvents", [small], (cache, max) => cache.numberEvents(max)),
);

const together = fc.record({ steps: fc.array(single, { maxLength: 6 }), fails: fc.boolean() }).map(
  ({ steps, fails }): Step => ({
    words: `${fails ? "failing " : ""}transaction{${steps.map(({ words }) => words).join(" ")}}`,
    run: (cache) => {
      const results: unknown[] = [];
      try {
        cache.transaction("together", () => {
          for (const each of steps) results.push(each.run(cache));
          if (fails) throw new Error("half-way");
        });
      } catch (error) {
        results.push(String(error));
      }
      return results;
    },
  }),
);

it("the cache in memory and the one on disk cannot be told apart by any sequence of calls", () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-data-"));
  let files = 0;
  const steps = fc.array(fc.oneof({ weight: 4, arbitrary: single }, { weight: 1, arbitrary: together }), {
    maxLength: 40,
  });
  try {
    fc.assert(
      fc.property(steps, (sequence) => {
        const file = join(folder, `${(files += 1)}.db`);
        const memory = memoryCache();
        let disk = sqliteCache({ file, journal: silent });
        try {
          for (const { words, run } of sequence) expect(run(disk), words).toEqual(run(memory));
          expect(observe(disk)).toEqual(observe(memory));
          disk.close();
          disk = sqliteCache({ file, journal: silent });
          expect(observe(disk)).toEqual(observe(memory));
        } finally {
          disk.close();
        }
      }),
      { numRuns: 40 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
