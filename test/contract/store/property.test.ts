import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { sqliteStore } from "../../../hub/registry/sqlite.ts";
import type { Batch } from "../../../hub/registry/store.ts";
import { silent } from "../../../shared/ports.ts";
import { memoryStore } from "../../support/store.ts";
import { writerOf } from "../../support/writer.ts";
import { assignment, event, notice, progress, record, run, seen, signed, site } from "./samples.ts";
import { observe } from "./suite.ts";

// Few names, so that batches meet each other's rows.
const id = fc.constantFrom("s1", "s2", "s3");
const small = fc.integer({ min: 1, max: 5 });
const text = fc.string({ unit: "grapheme", maxLength: 5 });

function few<T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(of, { maxLength: 3 });
}

const batch: fc.Arbitrary<Batch> = fc.record(
  {
    meta: fc.record({ term: small }),
    sites: few(fc.tuple(id, small).map(([of, last]) => site(of, { event: last }))),
    events: few(fc.tuple(id, small, text)).map((rows) =>
      rows.map(([of, number, words]) => ({ site: of, at: number, event: event(number, words) })),
    ),
    // A run starts once.
    runs: few(
      fc.tuple(small, text, few(fc.tuple(id, small))).map(([n, words, rows]) =>
        run(
          `r${n}`,
          { startedAt: n % 3, commit: words },
          rows.map(([of, wave]) => [of, progress(wave)]),
        ),
      ),
    ),
    assignments: few(fc.tuple(id, fc.boolean()).map(([of, published]) => assignment(of, { published }))),
    rollouts: few(fc.tuple(id, fc.option(text)).map(([name, refused]) => seen(name, { refused }))),
    root: fc.tuple(small, text).map(([number, words]) => ({ number, document: signed(words) })),
    records: few(fc.tuple(id, text).map(([of, words]) => record(of, words))),
    notices: few(text.map(notice)),
  },
  { requiredKeys: [] },
);

it("the store in memory and the one on disk cannot be told apart by any sequence of commits", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-data-"));
  let files = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 12 }), async (batches) => {
        const file = join(folder, `${(files += 1)}.db`);
        const memory = memoryStore();
        let disk = sqliteStore({ file, journal: silent });
        const writers = [await writerOf(disk), await writerOf(memory)];
        try {
          for (const each of batches) {
            for (const writer of writers) await writer.commit("batch", each);
            const page = { limit: 3, before: 6 };
            expect(await disk.events(page)).toEqual(await memory.events(page));
          }
          expect(await observe(disk)).toEqual(await observe(memory));
          await disk.close();
          disk = sqliteStore({ file, journal: silent });
          expect(await observe(disk)).toEqual(await observe(memory));
        } finally {
          await disk.close();
        }
      }),
      { numRuns: 40 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
