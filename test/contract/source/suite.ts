/** What every source must do, whatever it speaks. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../../shared/errors.ts";
import { DELTA_MAX_BYTES } from "../../../shared/node/delta.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { deltaName, type Source } from "../../../shared/source/source.ts";
import type { Files } from "../../lab/git/repository.ts";

export interface SourceUnderTest {
  source: Source;
  /** Branches that this kind of source has no place for. */
  lacks?: readonly string[];
  /** What a publisher does; see `commitFiles`. */
  commit(branch: string, files: Files, subject: string, anew?: boolean): void;
  /** No connection from now on, or again. */
  cut(on: boolean): void;
  /** The ways in which what is fetched can arrive broken; each is switched on, and off again. */
  damages: readonly ((on: boolean) => void)[];
  stop(): Promise<void>;
}

const version = (manifest: string, files: Files = {}): Files => ({
  "bundle.json": manifest,
  "bundle.json.ada.sig": `${manifest} by ada`,
  "bundle.json.bob.sig": `${manifest} by bob`,
  ...Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`files/${path}`, bytes])),
});

export function sourceSuite(what: string, setup: () => Promise<SourceUnderTest>): void {
  describe(`source: ${what}`, () => {
    let it: SourceUnderTest;
    beforeEach(async () => {
      it = await setup();
      it.commit("main", { "README.md": "a fleet" }, "first");
      it.commit("trust", { "root/1.json": "one", "root/1.json.ada.sig": "one by ada" }, "root 1");
      it.commit("bundles/pos", version("v1", { "a.json": "alpha" }), "1.0.0");
    });
    afterEach(() => it.stop());

    const head = async (branch: string) => (await it.source.heads()).get(branch) ?? "";
    const newest = async (branch: string) => {
      const [first] = await it.source.versions(await head(branch));
      if (first === undefined) throw new Error(`${branch} has no version`);
      return first;
    };
    const read = async (branch: string, wanted: { path: string; size: number; content: string | Uint8Array }[]) => {
      const chunks = [];
      const files = wanted.map(({ path, size, content }) => ({ path, size, sha256: sha256Hex(Buffer.from(content)) }));
      for await (const chunk of it.source.blobs(await newest(branch), files)) chunks.push(chunk);
      return chunks;
    };

    test("heads that begin as one of those asked for come, whatever else does", async () => {
      const only = await it.source.heads(["bundles/"]);
      expect(only.get("bundles/pos")).toBe(await head("bundles/pos"));
    });

    test("heads change when, and only when, their branch does", async () => {
      const before = await it.source.heads();
      const shown = (...branches: string[]) => branches.filter((branch) => it.lacks?.includes(branch) !== true);
      expect([...before.keys()].toSorted()).toEqual(shown("bundles/pos", "main", "trust"));
      expect(await it.source.heads()).toEqual(before);
      it.commit("bundles/pos", version("v2"), "1.1.0");
      it.commit("sites-3", { "sites/s-1.json": "record" }, "s-1");
      const after = await it.source.heads();
      expect([...after.keys()].toSorted()).toEqual(shown("bundles/pos", "main", "sites-3", "trust"));
      expect(after.get("trust")).toBe(before.get("trust"));
      expect(after.get("bundles/pos")).not.toBe(before.get("bundles/pos"));
    });

    test("branches of other purposes are not shown", async () => {
      it.commit("feature/x", { a: "b" }, "work");
      expect([...(await it.source.heads()).keys()]).not.toContain("feature/x");
    });

    test("roots come by number, from the one after", async () => {
      const roots = [1, 2, 9, 10, 11].map((number) => [`root/${number}.json`, `root ${number}`]);
      it.commit("trust", { ...Object.fromEntries(roots), "root/10.json.ada.sig": "ten by ada" }, "root 11");
      const found = await it.source.roots(await head("trust"), 2);
      expect(found.map(({ body }) => Buffer.from(body).toString())).toEqual(["root 9", "root 10", "root 11"]);
      expect(found.map(({ signatures }) => signatures)).toEqual([
        new Map(),
        new Map([["ada", "ten by ada"]]),
        new Map(),
      ]);
      expect(await it.source.roots(await head("trust"), 11)).toEqual([]);
    });

    test("a record with its signatures, or null", async () => {
      it.commit("sites-3", { "sites/s-1.json": "record", "sites/s-1.json.ada.sig": "sig" }, "s-1");
      const found = await it.source.record(await head("sites-3"), "s-1");
      expect(Buffer.from(found?.body ?? []).toString()).toBe("record");
      expect([...(found?.signatures ?? [])]).toEqual([["ada", "sig"]]);
      expect(await it.source.record(await head("sites-3"), "s-2")).toBeNull();
    });

    test("the statement of what is newest with its signatures, or null", async () => {
      expect(await it.source.newest(await head("trust"))).toBeNull();
      const root = { "root/1.json": "one" };
      it.commit("trust", { ...root, "head.json": "head", "head.json.ada.sig": "head by ada" }, "head 1");
      const found = await it.source.newest(await head("trust"));
      expect(Buffer.from(found?.body ?? []).toString()).toBe("head");
      expect([...(found?.signatures ?? [])]).toEqual([["ada", "head by ada"]]);
      expect(await it.source.roots(await head("trust"), 0)).toHaveLength(1);
    });

    const withoutDeltas = async () => {
      expect(await it.source.delta(await head("bundles/pos"), "1".repeat(64))).toBeNull();
      expect([...(await it.source.heads()).keys()].filter((ref) => ref.startsWith("deltas/"))).toEqual([]);
    };

    test("the delta from a version, or null; a replaced one is read at its new head", async () => {
      if (it.lacks?.includes("deltas/pos") === true) return withoutDeltas();
      const [one, two] = ["1".repeat(64), "2".repeat(64)];
      const frame = Uint8Array.from([0, 255, 10, 13, 10]);
      it.commit("deltas/pos", { [deltaName(one)]: frame, [deltaName(two)]: "other" }, "1.1.0", true);
      const before = await head("deltas/pos");
      expect([...((await it.source.delta(before, one)) ?? [])]).toEqual([...frame]);
      expect(await it.source.delta(before, "3".repeat(64))).toBeNull();
      it.commit("deltas/pos", { [deltaName(two)]: "next" }, "1.2.0", true);
      const after = await head("deltas/pos");
      expect(after).not.toBe(before);
      expect(await it.source.delta(after, one)).toBeNull();
      expect(Buffer.from((await it.source.delta(after, two)) ?? []).toString()).toBe("next");
    });

    test("a delta above its cap is `too-large`", async () => {
      if (it.lacks?.includes("deltas/pos") === true) return withoutDeltas();
      const from = "1".repeat(64);
      it.commit("deltas/pos", { [deltaName(from)]: new Uint8Array(DELTA_MAX_BYTES + 1) }, "1.1.0", true);
      await expect(it.source.delta(await head("deltas/pos"), from)).rejects.toMatchObject({ code: "too-large" });
      it.commit("deltas/pos", { [deltaName(from)]: new Uint8Array(DELTA_MAX_BYTES) }, "1.2.0", true);
      expect(await it.source.delta(await head("deltas/pos"), from)).toHaveLength(DELTA_MAX_BYTES);
    });

    test("versions, the newest first, under ids that keep their content", async () => {
      it.commit("bundles/pos", version("v2"), "1.1.0");
      it.commit("bundles/pos", version("v3"), "2.0.0-rc.1");
      const versions = await it.source.versions(await head("bundles/pos"));
      expect(versions.map(({ branch, version }) => [branch, version])).toEqual([
        ["bundles/pos", "2.0.0-rc.1"],
        ["bundles/pos", "1.1.0"],
        ["bundles/pos", "1.0.0"],
      ]);
      const bodies = await Promise.all(versions.map(async (ref) => (await it.source.manifest(ref)).body));
      expect(bodies.map((body) => Buffer.from(body).toString())).toEqual(["v3", "v2", "v1"]);
    });

    test("a manifest's exact bytes and its signatures by key", async () => {
      const bytes = Uint8Array.from([0, 255, 10, 13, 10]);
      it.commit("bundles/pos", { ...version("v2"), "bundle.json": bytes }, "1.1.0");
      const found = await it.source.manifest(await newest("bundles/pos"));
      expect([...found.body]).toEqual([...bytes]);
      expect([...found.signatures]).toEqual([
        ["ada", "v2 by ada"],
        ["bob", "v2 by bob"],
      ]);
    });

    test("a version without a manifest is not found", async () => {
      it.commit("bundles/pos", { "files/a.json": "alpha" }, "1.1.0");
      await expect(it.source.manifest(await newest("bundles/pos"))).rejects.toMatchObject({ code: "not-found" });
    });

    test("files come in the order asked, in chunks, each with its end", async () => {
      const big = Buffer.alloc(300_000, "0123456789");
      it.commit("bundles/pos", version("v2", { "a.json": "alpha", "deep/b.json": big, "empty.json": "" }), "1.1.0");
      const chunks = await read("bundles/pos", [
        { path: "deep/b.json", size: big.length, content: big },
        { path: "empty.json", size: 0, content: "" },
        { path: "a.json", size: 5, content: "alpha" },
      ]);
      const whole = (path: string) =>
        Buffer.concat(chunks.filter((each) => each.path === path).map(({ bytes }) => bytes));
      expect(whole("deep/b.json").equals(big)).toBe(true);
      expect(whole("empty.json").length).toBe(0);
      expect(whole("a.json").toString()).toBe("alpha");
      expect(chunks.filter(({ last }) => last).map(({ path }) => path)).toEqual([
        "deep/b.json",
        "empty.json",
        "a.json",
      ]);
      expect(chunks.filter(({ path }) => path === "deep/b.json").length).toBeGreaterThan(1);
    });

    test("a file that is longer than its signed size shows a surplus byte", async () => {
      const chunks = await read("bundles/pos", [{ path: "a.json", size: 3, content: "alpha" }]);
      expect(chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeGreaterThan(3);
    });

    test("a file that is not there", async () => {
      await expect(read("bundles/pos", [{ path: "b.json", size: 5, content: "bravo" }])).rejects.toMatchObject({
        code: "not-found",
      });
    });

    test("a head that never was", async () => {
      const gone = (await head("bundles/pos")).replace(/.{6}$/, "000000");
      await expect(it.source.versions(gone)).rejects.toMatchObject({ code: "not-found" });
    });

    test("a branch that was begun anew", async () => {
      const old = await newest("bundles/pos");
      await it.source.manifest(old);
      it.commit("bundles/pos", version("v2", { "a.json": "beta" }), "1.1.0", true);
      expect((await it.source.versions(await head("bundles/pos"))).map((each) => each.version)).toEqual(["1.1.0"]);
      const [chunk] = await read("bundles/pos", [{ path: "a.json", size: 4, content: "beta" }]);
      expect(chunk?.bytes[0]).toBe("b".charCodeAt(0));
      const later = await it.source.manifest(old).catch((error: unknown) => error);
      if (later instanceof AppError) expect(later.code).toBe("not-found");
      else expect(Buffer.from((later as { body: Uint8Array }).body).toString()).toBe("v1");
    });

    test("a cut line is `unreachable`, and works again afterwards", async () => {
      const trust = await head("trust");
      it.cut(true);
      await expect(it.source.heads()).rejects.toMatchObject({ code: "unreachable" });
      await expect(it.source.roots(trust, 0)).rejects.toMatchObject({ code: "unreachable" });
      it.cut(false);
      expect(await it.source.roots(trust, 0)).toHaveLength(1);
    });

    test("what arrives damaged leaves nothing behind", async () => {
      for (const [index, damage] of it.damages.entries()) {
        it.commit("bundles/pos", version(`w${index}`, { "a.json": `alpha ${index}` }), `2.0.${index}`);
        const next = await head("bundles/pos");
        damage(true);
        const failed = await it.source.versions(next).catch((error: unknown) => error);
        expect(failed, `damage ${index}`).toBeInstanceOf(AppError);
        expect(["malformed", "unreachable"], `damage ${index}`).toContain((failed as AppError).code);
        damage(false);
        const manifest = await it.source.manifest(await newest("bundles/pos"));
        expect(Buffer.from(manifest.body).toString()).toBe(`w${index}`);
        expect(await it.source.versions(next)).toHaveLength(index + 2);
      }
    });

    test("calls at the same time do not disturb one another", async () => {
      const [trust, pos] = [await head("trust"), await newest("bundles/pos")];
      const [roots, manifest, heads] = await Promise.all([
        it.source.roots(trust, 0),
        it.source.manifest(pos),
        it.source.heads(),
      ]);
      expect(roots).toHaveLength(1);
      expect(Buffer.from(manifest.body).toString()).toBe("v1");
      expect(heads.size).toBe(3 - (it.lacks?.filter((branch) => branch === "main").length ?? 0));
    });
  });
}
