import { spawnSync } from "node:child_process";
import { readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sqliteStore } from "../../../hub/registry/sqlite.ts";
import type { Store, Writer } from "../../../hub/registry/store.ts";
import { isDamaged } from "../../../shared/node/sqlite.ts";
import { silent } from "../../../shared/ports.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { thrownBy } from "../../support/thrown.ts";
import { writerOf } from "../../support/writer.ts";
import { event, everything, notice, progress, run, site } from "./samples.ts";
import { observe, storeContract } from "./suite.ts";

storeContract("sqlite", (journal, machine) => sqliteStore({ file: fileInFolder("hub.db"), journal, machine }));

function open(file: string): Store {
  return sqliteStore({ file, journal: silent });
}

async function writing(file: string): Promise<Store & Writer> {
  const store = open(file);
  return { ...store, ...(await writerOf(store)) };
}

describe("on the disk", () => {
  it("is the same after it was closed and opened", async () => {
    const file = fileInFolder("hub.db");
    const store = await writing(file);
    await store.commit("first", everything);
    const before = await observe(store);
    await store.close();
    const again = await writing(file);
    expect(await observe(again)).toEqual(before);
    await again.commit("second", { notices: [notice("again")] });
    expect((await again.events({ limit: 1 }))[0]?.event.number).toBe(2);
    await again.close();
  });

  it("writes nothing where nothing changes", async () => {
    const file = fileInFolder("hub.db");
    const store = await writing(file);
    const { notices, ...batch } = everything;
    await store.commit("first", batch);
    const log = () => ({ bytes: readFileSync(`${file}-wal`), at: statSync(`${file}-wal`, { bigint: true }).mtimeNs });
    const before = log();
    await store.commit("again", batch);
    await store.commit("nothing", {});
    expect(log()).toEqual(before);
    await store.commit("more", { notices: notices ?? [] });
    expect(log()).not.toEqual(before);
    await store.close();
  });

  it.each([
    ["before", "nothing"],
    ["statements", "nothing"],
    ["between", "nothing"],
    ["after", "all"],
  ])("after kill -9 at %s holds %s of the commit", async (place, what) => {
    const file = fileInFolder("hub.db");
    const { signal, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "killed.ts"), file, place]);
    expect({ signal, stderr: stderr.toString() }).toEqual({ signal: "SIGKILL", stderr: "" });
    const store = await writing(file);
    const expected = await writing(fileInFolder("expected.db"));
    const notices = [...(everything.notices ?? []), { ...notice("last"), at: 1 }];
    if (what === "all") await expected.commit("everything", { ...everything, notices });
    expect(await observe(store)).toEqual(await observe(expected));
    await store.close();
    await expected.close();
  });

  it("that is damaged is said to be so, and is not begun anew by itself", async () => {
    const file = fileInFolder("hub.db");
    const store = await writing(file);
    await store.commit("first", everything);
    await store.close();
    truncateSync(file, 12_288);
    const bytes = readFileSync(file);
    const error = thrownBy(() => open(file));
    expect(error).toMatchObject({ code: "storage", where: file });
    expect(isDamaged(error)).toBe(true);
    expect(readFileSync(file)).toEqual(bytes);
  });

  it("rejects a commit that another writer keeps waiting", async () => {
    const file = fileInFolder("hub.db");
    const second = await writing(file);
    let rejected: Promise<void> | undefined;
    const store = sqliteStore({
      file,
      journal: (effect, place) => {
        if (effect === "store.long" && place === "between") rejected = second.commit("short", { sites: [site("s2")] });
      },
    });
    const first = { ...store, ...(await writerOf(store)) };
    await first.commit("long", { sites: [site("s1")] });
    await expect(rejected).rejects.toMatchObject({
      code: "storage",
      message: "another process is writing to the database",
    });
    await (await writing(file)).commit("short", { sites: [site("s2")] });
    expect((await first.load()).sites).toEqual([site("s1"), site("s2")]);
    await first.close();
    await second.close();
  });

  it("keeps the newest 100,000 events, or a few more", async () => {
    const store = await writing(fileInFolder("hub.db"));
    const events = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => ({ site: "s1", at: 1, event: event(from + index) }));
    const numbers = async () => (await store.events({ limit: 200_000 })).map((stored) => stored.event.number);
    await store.commit("many", { events: events(1, 109_999) });
    expect(await numbers()).toHaveLength(109_999);
    // Repetitions push nothing out.
    await store.commit("again", { events: events(109_000, 109_999) });
    expect((await numbers()).at(-1)).toBe(1);
    await store.commit("more", { events: events(110_000, 110_001) });
    const kept = await numbers();
    expect(kept).toHaveLength(100_000);
    expect([kept[0], kept.at(-1)]).toEqual([110_001, 10_002]);
    await store.close();
  });

  it("holds a run of ten thousand sites", async () => {
    const file = fileInFolder("hub.db");
    const sites = Array.from({ length: 10_000 }, (_, n) => [`s-${n}`, progress(1)] as const);
    const store = await writing(file);
    await store.commit("big", { runs: [run("big", {}, sites)] });
    await store.close();
    const again = await writing(file);
    expect((await again.load()).runs).toEqual([run("big", {}, sites)]);
    await again.close();
  });
});
