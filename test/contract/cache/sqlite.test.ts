import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Cache } from "../../../agent/cache/cache.ts";
import { sqliteCache } from "../../../agent/cache/sqlite.ts";
import { isDamaged, setAside } from "../../../shared/node/sqlite.ts";
import { silent } from "../../../shared/ports.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { thrownBy } from "../../support/thrown.ts";
import { observe } from "./observe.ts";
import { event, hold, record, refusal, row, signed, version } from "./samples.ts";
import { cacheContract } from "./suite.ts";

cacheContract("sqlite", (journal) => sqliteCache({ file: fileInFolder("agent.db"), journal }));

function open(file: string): Cache {
  return sqliteCache({ file, journal: silent });
}

function fill(cache: Cache): void {
  cache.keepRoot(1, signed("root"));
  cache.keepRecord(record(1, 1, signed("record")));
  cache.keepManifest(version("d1"), signed("d1"));
  cache.keepBlob("f1", new Uint8Array(5_000).fill(7));
  cache.completeVersion("d1");
  cache.keepRefusal(refusal("pos", "a"));
  cache.keepHold(hold("pos"));
  cache.keepInventory("pos", [row("a"), row("b")]);
  cache.keepAssignment({ term: 1, number: 2, key: "k", frame: new Uint8Array([1]) });
  cache.acknowledge({ report: 3, event: 3, frame: new Uint8Array([1]) }, 1);
}

describe("on the disk", () => {
  it("is the same after it was closed and opened", () => {
    const file = fileInFolder("agent.db");
    const cache = open(file);
    fill(cache);
    cache.addEvents([event("a"), event("b")]);
    cache.numberEvents(1);
    const before = observe(cache);
    cache.close();
    const again = open(file);
    expect(observe(again)).toEqual(before);
    expect(again.takeReportNumber()).toBe(4);
    again.close();
  });

  it("writes nothing where nothing changes", () => {
    const file = fileInFolder("agent.db");
    const cache = open(file);
    fill(cache);
    cache.addEvents([event("a")]);
    cache.numberEvents(5);
    const log = () => ({ bytes: readFileSync(`${file}-wal`), at: statSync(`${file}-wal`, { bigint: true }).mtimeNs });
    const before = log();
    expect(before.bytes.byteLength).toBeGreaterThan(0);
    cache.keepRoot(1, signed("root"));
    cache.keepRecord(
      record(1, 1, { ...signed("record"), signatures: new Map([...signed("record").signatures].toReversed()) }),
    );
    cache.keepManifest(version("d1", { complete: true }), signed("d1"));
    cache.keepBlob("f1", new Uint8Array(5_000).fill(7));
    cache.completeVersion("d1");
    cache.keepRefusal(refusal("pos", "a"));
    cache.dropRefusal("pos", "unknown");
    cache.dropVersion("unknown");
    const { bundle, ...rest } = hold("pos");
    cache.keepHold({ ...rest, bundle });
    cache.keepInventory("pos", [row("b"), row("a")]);
    cache.dropInventory("base", [row("a").object]);
    cache.keepAssignment({ term: 1, number: 2, key: "k", frame: new Uint8Array([1]) });
    cache.acknowledge({ report: 2, event: 2, frame: new Uint8Array([1]) }, 1);
    cache.addEvents([]);
    cache.numberEvents(5);
    expect(log()).toEqual(before);
    cache.keepRefusal(refusal("pos", "a", { root: 2 }));
    expect(log()).not.toEqual(before);
    cache.close();
  });

  it.each([
    ["before", "nothing"],
    ["statements", "nothing"],
    ["between", "nothing"],
    ["after", "all"],
  ])("after kill -9 at %s holds %s of the transaction", (place, what) => {
    const file = fileInFolder("agent.db");
    const cache = open(file);
    cache.keepRoot(1, signed("root"));
    cache.close();
    const { signal, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "killed.ts"), file, place]);
    expect({ signal, stderr: stderr.toString() }).toEqual({ signal: "SIGKILL", stderr: "" });
    const again = open(file);
    expect(again.roots()).toEqual([signed("root")]);
    const all = what === "all";
    expect(again.record()?.document ?? null).toEqual(all ? signed("record") : null);
    expect(again.holds()).toEqual(all ? [hold("pos")] : []);
    expect(again.inventory("pos")).toEqual(all ? [row("a")] : []);
    again.close();
  });

  it.each([
    ["no database at all", (file: string) => writeFileSync(file, "this was a database once".repeat(400))],
    ["a page of zeros in its middle", (file: string) => overwrite(file, 8_192)],
    ["cut short", (file: string) => truncateSync(file, 12_288)],
  ])("that is damaged (%s) is said to be so, and can be set aside and begun anew", (_, damage) => {
    const file = fileInFolder("agent.db");
    const cache = open(file);
    fill(cache);
    cache.close();
    damage(file);
    const error = thrownBy(() => open(file));
    expect(error).toMatchObject({ code: "storage", where: file });
    expect(isDamaged(error)).toBe(true);
    expect(setAside(file, silent)).toBe(`${file}.damaged-1`);
    expect(existsSync(file)).toBe(false);
    const anew = open(file);
    expect(anew.versions()).toEqual([]);
    anew.keepRoot(1, signed("again"));
    anew.close();
  });

  it("waits for another writer no longer than it must, then says who holds it", () => {
    const file = fileInFolder("agent.db");
    const [first, second] = [open(file), open(file)];
    first.transaction("long", () => {
      first.keepRoot(1, signed("first"));
      expect(second.roots()).toEqual([]);
      const error = thrownBy(() => second.keepRoot(2, signed("second")));
      expect(error).toMatchObject({ code: "storage", message: "another process is writing to the database" });
      expect(isDamaged(error)).toBe(false);
    });
    second.keepRoot(2, signed("second"));
    expect(first.roots()).toEqual([signed("first"), signed("second")]);
    first.close();
    second.close();
  });

  it("gives each report number once, also to two that share it by mistake", () => {
    const file = fileInFolder("agent.db");
    const [first, second] = [open(file), open(file)];
    expect([first, second, second, first].map((cache) => cache.takeReportNumber())).toEqual([1, 2, 3, 4]);
    first.close();
    second.close();
  });
});

function overwrite(file: string, from: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0, from, from + 4_096);
  writeFileSync(file, bytes);
}
