import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Batch, Person, Store, Writer } from "../../../hub/registry/store.ts";
import type { Machine } from "../../../shared/node/machine.ts";
import type { Journal } from "../../../shared/ports.ts";
import { FakeMachine } from "../../support/machine.ts";
import { writerOf } from "../../support/writer.ts";
import { assignment, event, everything, notice, progress, record, run, seen, signed, site, status } from "./samples.ts";

/** What every `Store` does. `make` gives an empty one. */
export function storeContract(name: string, make: (journal: Journal, machine: Machine) => Store): void {
  describe(`store contract: ${name}`, () => {
    let store: Store;
    let writer: Writer;
    let machine: FakeMachine;
    const trace: string[] = [];
    /** `effect place` at which the journal throws, as a kill there would end the program. */
    let killAt: string | undefined;

    beforeEach(async () => {
      killAt = undefined;
      machine = new FakeMachine();
      store = make((effect, place) => {
        trace.push(`${effect} ${place}`);
        if (killAt === `${effect} ${place}`) throw new Error("killed");
      }, machine);
      writer = await writerOf(store, "a", 10_000);
      trace.splice(0);
    });
    afterEach(() => store.close());

    it("is empty at first, in its first term", async () => {
      expect(await store.load()).toEqual({
        meta: { term: 1 },
        sites: [],
        runs: [],
        assignments: [],
        rollouts: [],
        statuses: [],
        roots: [],
        records: [],
        diffs: [],
      });
      expect(await store.events({ limit: 10 })).toEqual([]);
    });

    it("gives back what was committed, in a fixed order", async () => {
      await writer.commit("first", {
        sites: [site("s2"), site("s1")],
        runs: [run("late", { startedAt: 3 }), run("same-b", { startedAt: 2 }), run("same-a", { startedAt: 2 })],
        assignments: [assignment("s2"), assignment("s1")],
        rollouts: [seen("pos"), seen("base")],
        statuses: [status("pos"), status("base")],
        records: [record("s2", "two"), record("s1", "one")],
        root: { number: 10, document: signed("root 10") },
      });
      await writer.commit("second", { meta: { term: 4 }, root: { number: 9, document: signed("root 9") } });
      expect(await store.load()).toEqual({
        meta: { term: 4 },
        sites: [site("s1"), site("s2")],
        runs: [run("same-b", { startedAt: 2 }), run("same-a", { startedAt: 2 }), run("late", { startedAt: 3 })],
        assignments: [assignment("s1"), assignment("s2")],
        rollouts: [seen("base"), seen("pos")],
        statuses: [status("base"), status("pos")],
        roots: [signed("root 9"), signed("root 10")],
        records: [record("s1", "one"), record("s2", "two")],
        diffs: [],
      });
    });

    it("keeps what a run would change by its hash, and drops all of a run at once", async () => {
      const diff = (object: string) => ({ objects: [{ object, action: "create" as const }], unchanged: 3 });
      const stored = (run: string, hash: string) => ({ run, hash, diff: diff(`${run} ${hash}`) });
      await writer.commit("first", { diffs: [stored("r2", "a"), stored("r1", "b"), stored("r1", "a")] });
      await writer.commit("second", { diffs: [{ run: "r1", hash: "a", diff: diff("anew") }] });
      expect((await store.load()).diffs).toEqual([
        { run: "r1", hash: "a" },
        { run: "r1", hash: "b" },
        { run: "r2", hash: "a" },
      ]);
      expect(await store.diff("r1", "a")).toEqual(diff("anew"));
      expect(await store.diff("r1", "c")).toBeNull();
      await writer.commit("third", { undiffed: ["r1", "r9"] });
      expect(await store.diff("r1", "b")).toBeNull();
      expect(await store.diff("r2", "a")).toEqual(diff("r2 a"));
      expect((await store.load()).diffs).toEqual([{ run: "r2", hash: "a" }]);
    });

    it("replaces rows by name and leaves the others", async () => {
      await writer.commit("first", everything);
      const changed: Batch = {
        sites: [site("s1", { boot: "b2", event: 9, report: null })],
        runs: [run("r1", { phase: { kind: "completed", at: 5 } })],
        assignments: [assignment("s1", { frame: new Uint8Array(0), assigned: {}, published: true })],
        rollouts: [seen("pos", { sha256: null, version: null, refused: "the file was deleted" })],
        statuses: [status("pos", "success")],
        records: [record("s1", "newer")],
        root: { number: 1, document: signed("other bytes") },
      };
      await writer.commit("second", changed);
      expect(await store.load()).toEqual({
        meta: { term: 3 },
        sites: changed.sites,
        // One that says nothing of a site leaves what was said of it.
        runs: [run("r1", { phase: { kind: "completed", at: 5 } }, [["s1", progress(0)]])],
        assignments: changed.assignments,
        rollouts: changed.rollouts,
        statuses: changed.statuses,
        records: changed.records,
        roots: [signed("other bytes")],
        diffs: [{ run: "r1", hash: "h1" }],
      });
    });

    it("takes of a run's sites those that changed, keeps the others in the order they came, and writes the plan once", async () => {
      const plan = { seed: "frozen", waves: [], left: [], doubly: [] };
      const first = [["s2", progress(0)] as const, ["s1", progress(0)] as const];
      await writer.commit("first", { runs: [run("r1", { plan }, first), run("r2", {}, first)] });
      const later = [["s0", progress(1)] as const, ["s1", progress(0, "succeeded")] as const];
      await writer.commit("second", { runs: [run("r1", { commit: "c2" }, later)] });
      const sites = [
        ["s2", progress(0)] as const,
        ["s1", progress(0, "succeeded")] as const,
        ["s0", progress(1)] as const,
      ];
      expect((await store.load()).runs).toEqual([run("r1", { commit: "c2", plan }, sites), run("r2", {}, first)]);
    });

    it("is not changed by what the caller does to its own values", async () => {
      const mine = { ...assignment("s1"), frame: new Uint8Array([7]) };
      await writer.commit("first", { assignments: [mine] });
      mine.frame[0] = 8;
      mine.published = true;
      (await store.load()).assignments[0]?.frame.fill(9);
      expect((await store.load()).assignments).toEqual([assignment("s1", { frame: new Uint8Array([7]) })]);
    });

    describe("events", () => {
      it("come newest first, page by page, of all or of one site", async () => {
        await writer.commit("first", {
          events: [1, 2, 3].flatMap((number) =>
            ["s1", "s2"].map((of) => ({ site: of, at: number * 10, event: event(number) })),
          ),
        });
        const all = await store.events({ limit: 10 });
        expect(all.map(({ site: of, at, event: it }) => [of, at, it.number])).toEqual([
          ["s2", 30, 3],
          ["s1", 30, 3],
          ["s2", 20, 2],
          ["s1", 20, 2],
          ["s2", 10, 1],
          ["s1", 10, 1],
        ]);
        expect(all[0]?.event).toEqual(event(3));
        const [, , third = all[0]] = all;
        expect(await store.events({ limit: 2, before: third?.row ?? 0 })).toEqual(all.slice(3, 5));
        const ofSite = all.filter((stored) => stored.site === "s1");
        expect(await store.events({ site: "s1", limit: 10 })).toEqual(ofSite);
        expect(await store.events({ site: "s1", limit: 1, before: ofSite[1]?.row ?? 0 })).toEqual(ofSite.slice(2));
        expect(await store.events({ site: "s3", limit: 10 })).toEqual([]);
      });

      it("are taken once by site and number, over batches and inside one, and the first one stays", async () => {
        await writer.commit("first", { events: [{ site: "s1", at: 10, event: event(5) }] });
        const again = [event(5, "again"), event(4), event(6), event(6, "again")];
        await writer.commit("second", { events: again.map((each) => ({ site: "s1", at: 20, event: each })) });
        await writer.commit("third", { events: [{ site: "s2", at: 30, event: event(5) }] });
        const stored = await store.events({ limit: 10 });
        expect(stored.map(({ site: of, at, event: it }) => [of, at, it])).toEqual([
          ["s2", 30, event(5)],
          ["s1", 20, event(6)],
          ["s1", 20, event(4)],
          ["s1", 10, event(5)],
        ]);
        // Repetitions use up no rows, or they would push old events out.
        expect(stored.map(({ row }) => row)).toEqual([4, 3, 2, 1]);
      });

      it("of the hub itself have no site, and numbers that the store gives", async () => {
        await writer.commit("first", { notices: [notice("a"), notice("a")] });
        await writer.commit("second", { notices: [notice("b")], events: [{ site: "s1", at: 1, event: event(1) }] });
        const own = await store.events({ site: "", limit: 10 });
        expect(own.map(({ site: of, at, event: it }) => [of, at, it.number, it.words])).toEqual([
          ["", 2_000, 3, "b"],
          ["", 2_000, 2, "a"],
          ["", 2_000, 1, "a"],
        ]);
        expect(own[0]?.event).toEqual({ ...notice("b").event, number: 3 });
        expect(await store.events({ limit: 10 })).toHaveLength(4);
      });
    });

    describe("a commit", () => {
      it("is named in the journal, and leaves nothing where it is killed before its end", async () => {
        await writer.commit("first", everything);
        const before = await observe(store);
        const next: Batch = {
          meta: { term: 9 },
          sites: [site("s9")],
          runs: [run("r9")],
          assignments: [assignment("s9")],
          rollouts: [seen("r9")],
          statuses: [status("r9")],
          diffs: [{ run: "r9", hash: "h9", diff: { objects: [], unchanged: 1 } }],
          records: [record("s9", "r")],
          root: { number: 9, document: signed("r") },
          events: [{ site: "s1", at: 1, event: event(99) }],
          notices: [notice("n")],
        };
        for (const place of ["before", "between"]) {
          killAt = `store.next ${place}`;
          await expect(writer.commit("next", next)).rejects.toThrow("killed");
          expect(await observe(store)).toEqual(before);
        }
        killAt = "store.next after";
        trace.splice(0);
        await expect(writer.commit("next", next)).rejects.toThrow("killed");
        expect(trace).toEqual(["store.next before", "store.next between", "store.next after"]);
        const after = await observe(store);
        for (const key of Object.keys(before) as (keyof typeof before)[]) {
          expect(after[key], key).not.toEqual(before[key]);
        }
      });

      it("that is empty changes nothing", async () => {
        await writer.commit("first", everything);
        const before = await observe(store);
        await writer.commit("nothing", {});
        expect(await observe(store)).toEqual(before);
      });

      it("may be begun before the one before it ended", async () => {
        await Promise.all(
          [1, 2, 3].map((term) => writer.commit("term", { meta: { term }, sites: [site(`s${term}`)] })),
        );
        const { meta, sites } = await store.load();
        expect(meta).toEqual({ term: 3 });
        expect(sites.map(({ id }) => id)).toEqual(["s1", "s2", "s3"]);
      });
    });

    describe("people", () => {
      const ada: Person = { name: "ada", hash: "h1", roles: ["operator"], emails: ["ada@example.com"], createdAt: 5 };

      it("are found by the hash of their token until it is taken away, whoever leads, and the events say so", async () => {
        await store.admit({ ...ada, name: "bob", hash: "h2" }, notice("bob came"));
        await store.admit(ada, notice("ada came"));
        expect(await store.person("h1")).toEqual(ada);
        expect((await store.people()).map(({ name: of }) => of)).toEqual(["ada", "bob"]);
        expect(await store.dismiss("ada", notice("ada went"))).toBe(true);
        expect(await store.dismiss("ada", notice("nobody went"))).toBe(false);
        expect(await store.person("h1")).toBeNull();
        await store.admit({ ...ada, hash: "h3" }, notice("ada came again"));
        const words = (await store.events({ limit: 10 })).map(({ event: { words: of } }) => of);
        expect(words).toEqual(["ada came again", "ada went", "ada came", "bob came"]);
      });

      it("have one token each", async () => {
        await store.admit(ada, notice("ada came"));
        await expect(store.admit({ ...ada, hash: "h9" }, notice("again"))).rejects.toMatchObject({ code: "busy" });
        expect(await store.people()).toEqual([ada]);
        expect(await store.events({ limit: 10 })).toHaveLength(1);
      });
    });

    describe("the lease", () => {
      it("is held by one at a time, and by the next once it ran out, with a higher epoch", async () => {
        expect(writer.epoch).toBe(1);
        expect(await store.take("b", 10_000)).toBeNull();
        machine.time += 9_999;
        expect(await store.take("b", 10_000)).toBeNull();
        machine.time += 1;
        expect(await store.take("b", 10_000)).toMatchObject({ epoch: 2 });
        expect(await store.take("c", 10_000)).toBeNull();
      });

      it("goes on for as long as it is renewed", async () => {
        machine.time += 8_000;
        await writer.renew(10_000);
        machine.time += 8_000;
        expect(await store.take("b", 10_000)).toBeNull();
        await writer.renew(1_000);
        machine.time += 1_000;
        expect(await store.take("b", 10_000)).not.toBeNull();
      });

      it("ends at once by its own holder, who may also begin anew", async () => {
        await writer.release();
        const second = await writerOf(store, "b");
        expect(second.epoch).toBe(2);
        expect(await store.take("b", 10_000)).toMatchObject({ epoch: 3 });
        await second.release();
        expect(await store.take("c", 10_000)).toBeNull();
      });

      it.each([
        ["process that ended", (of: FakeMachine) => void of.gone.add("a")],
        ["boot that ended", (of: FakeMachine) => (of.boot = "boot-2")],
        ["clock that began anew, which no boot told of", (of: FakeMachine) => (of.time = -5_000)],
      ])("of a %s is over", async (_what, change) => {
        change(machine);
        expect(await store.take("b", 10_000)).toMatchObject({ epoch: 2 });
      });

      it("fences who lost it: nothing that it writes changes anything, and it cannot come back by renewing", async () => {
        await writer.commit("first", everything);
        machine.time += 10_000;
        const second = await writerOf(store, "b", 10_000);
        const before = await observe(store);
        const late = { sites: [site("s1", { event: 99 })], notices: [notice("late")], meta: { term: 9 } };
        await expect(writer.commit("late", late)).rejects.toMatchObject({ code: "fenced" });
        await expect(writer.renew(10_000)).rejects.toMatchObject({ code: "fenced" });
        await writer.release();
        expect(await observe(store)).toEqual(before);
        expect(await store.take("c", 10_000)).toBeNull();
        await second.commit("mine", late);
        expect(await observe(store)).not.toEqual(before);
      });

      it("that ran out and that nobody took still writes: time decides who may ask, never whether a write counts", async () => {
        machine.time += 60_000;
        await writer.commit("first", everything);
        await writer.renew(10_000);
        expect(await store.take("b", 10_000)).toBeNull();
      });

      it("is asked for without writing anything, and named in the journal where it is taken", async () => {
        await store.take("b", 10_000);
        expect(trace).toEqual([]);
        machine.time += 10_000;
        killAt = "lease.take between";
        await expect(store.take("b", 10_000)).rejects.toThrow("killed");
        await writer.commit("first", everything);
        killAt = undefined;
        expect(await store.take("b", 10_000)).toMatchObject({ epoch: 2 });
      });
    });
  });
}

/** All that can be seen of a store. */
export async function observe(store: Store) {
  return { ...(await store.load()), events: await store.events({ limit: 100_000 }) };
}
