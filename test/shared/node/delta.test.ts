import { zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import { canonicalJson } from "../../../shared/canonical.ts";
import { AppError } from "../../../shared/errors.ts";
import {
  changedFiles,
  DELTA_FILES_MAX_BYTES,
  DELTA_MAX_BYTES,
  deltaFiles,
  openDelta,
  packDelta,
} from "../../../shared/node/delta.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { uint32 } from "../../../shared/node/signed-frame.ts";

/** Contents by path. */
type Files = Readonly<Record<string, Uint8Array>>;

/** As far as deltas look at it. */
function manifestOf(files: Files, seq: number): Bundle {
  const listed = Object.entries(files).map(([path, bytes]) => ({ path, sha256: sha256Hex(bytes), size: bytes.length }));
  return { name: "pos", seq, files: listed } as Partial<Bundle> as Bundle;
}

function versionOf(files: Files, seq: number) {
  const manifest = manifestOf(files, seq);
  const body = Buffer.from(canonicalJson(manifest));
  const document = { body, signatures: new Map([["ada", `signature of ${seq}`]]) };
  return { manifest, body, document, file: (path: string) => files[path] ?? null };
}

function deltaBetween(old: Files, next: Files): Buffer | null {
  const [from, to] = [versionOf(old, 1), versionOf(next, 2)];
  const changed = changedFiles(from.manifest, to.manifest);
  return packDelta(from, {
    document: to.document,
    changed: changed.map(({ path }) => ({ path, bytes: next[path] ?? Buffer.alloc(0) })),
  });
}

/** What a site does that has `old`: null where what came out does not have the named digests. */
function applied(frame: Uint8Array, old: Files): Files | null {
  const from = versionOf(old, 1);
  const { body } = openDelta(frame, from.body);
  const manifest = JSON.parse(Buffer.from(body).toString()) as Bundle;
  const changed = changedFiles(from.manifest, manifest);
  const unpacked = deltaFiles(frame, changed, from.file);
  const held = new Map(Object.values(old).map((bytes) => [sha256Hex(bytes), bytes]));
  for (const bytes of unpacked) held.set(sha256Hex(bytes), bytes);
  const found = manifest.files.map(({ path, sha256 }) => [path, held.get(sha256)] as const);
  return found.every(([, bytes]) => bytes !== undefined) ? (Object.fromEntries(found) as Files) : null;
}

const text = (...lines: string[]) => Buffer.from(lines.join("\n"));
const OLD: Files = { "a.json": text("alpha"), "b.json": text(...Array(200).fill("a line")), "c.json": text("gone") };
const NEXT: Files = {
  "a.json": text("alpha"),
  "b.json": text(...Array(199).fill("a line"), "another"),
  "d.json": text("new"),
  "e.json": text("gone"),
};
const frame = deltaBetween(OLD, NEXT) ?? Buffer.alloc(0);

/** The code of what is thrown, or `other` where it is not an `AppError`; null where nothing is. */
function refusal(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof AppError ? error.code : `other: ${String(error)}`;
  }
}

describe("a delta", () => {
  test("gives the new manifest, its signatures and the changed files to who has the old ones", () => {
    const { body, signatures } = openDelta(frame, versionOf(OLD, 1).body);
    expect(Buffer.from(body)).toEqual(versionOf(NEXT, 2).body);
    expect([...signatures]).toEqual([["ada", "signature of 2"]]);
    expect(applied(frame, OLD)).toEqual(NEXT);
  });

  test("carries only what the old version has nowhere, under whatever name", () => {
    const changed = changedFiles(manifestOf(OLD, 1), manifestOf(NEXT, 2));
    expect(changed.map(({ path }) => path)).toEqual(["b.json", "d.json"]);
  });

  test("of one line in 2,000 files is small", () => {
    const files = Array.from({ length: 2000 }, (_, index): [string, Buffer] => {
      return [
        `objects/${index}.json`,
        Buffer.from(canonicalJson({ kind: "ConfigMap", index, data: sha256Hex(Buffer.from([index])) })),
      ];
    });
    const old = Object.fromEntries(files);
    const next = { ...old, "objects/7.json": Buffer.from(canonicalJson({ kind: "ConfigMap", index: 7, data: "new" })) };
    const small = deltaBetween(old, next);
    expect(small?.length).toBeLessThan(200);
    expect(applied(small ?? Buffer.alloc(0), old)).toEqual(next);
  });

  test("leads from any files to any others, and is the same each time", () => {
    const files = fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e"), fc.uint8Array({ maxLength: 400 }));
    fc.assert(
      fc.property(files, files, (old, next) => {
        const made = deltaBetween(old, next) as Buffer;
        expect(deltaBetween(old, next)).toEqual(made);
        const bytesOf = (files: Files | null) =>
          new Map(Object.entries(files ?? {}).map(([path, bytes]) => [path, [...bytes]]));
        expect(bytesOf(applied(made, old))).toEqual(bytesOf(next));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test("that would be too large is not made", () => {
    const noise = (size: number, seed: number) => {
      const blocks = Array.from({ length: size / 32 }, (_, index) =>
        Buffer.from(sha256Hex(Buffer.from(`${seed} ${index}`)), "hex"),
      );
      return Buffer.concat(blocks);
    };
    expect(deltaBetween({}, { "a.json": noise(DELTA_MAX_BYTES, 1) })).toBeNull();
    const much = Buffer.alloc(DELTA_FILES_MAX_BYTES + 1);
    expect(deltaBetween({}, { "a.json": much })).toBeNull();
    expect(deltaBetween({ "a.json": much }, { "a.json": text("small") })).toBeNull();
  });
});

describe("nothing about a delta is trusted", () => {
  test("cut at every byte it throws `malformed`", () => {
    for (let end = 0; end < frame.length; end += 1) {
      expect(
        refusal(() => applied(frame.subarray(0, end), OLD)),
        `cut at ${end}`,
      ).toBe("malformed");
    }
  });

  test("with any byte changed it throws a refusal, or gives other bytes than the signed ones, or the same", () => {
    const signed = versionOf(NEXT, 2).body;
    for (let at = 0; at < frame.length; at += 1) {
      const broken = Buffer.from(frame);
      broken.writeUInt8(broken.readUInt8(at) ^ 0x55, at);
      let same = false;
      const code = refusal(() => {
        // A reader goes on only with the signed manifest.
        same = Buffer.from(openDelta(broken, versionOf(OLD, 1).body).body).equals(signed);
        if (same) expect([null, NEXT]).toContainEqual(applied(broken, OLD));
      });
      expect([null, "malformed", "too-large"], `changed at ${at}`).toContain(code);
    }
  });

  test("on another base it throws, or gives other bytes than the signed ones", () => {
    const other = { ...OLD, "b.json": text(...Array(150).fill("lines")) };
    const [from, signed] = [versionOf(other, 3), versionOf(NEXT, 2).body];
    const code = refusal(() => {
      expect(Buffer.from(openDelta(frame, from.body).body).equals(signed)).toBe(false);
    });
    expect([null, "malformed", "too-large"]).toContain(code);
    const changed = changedFiles(manifestOf(OLD, 1), manifestOf(NEXT, 2));
    const unpacked = refusal(() => {
      const [found] = deltaFiles(frame, changed, (path) => other[path as keyof typeof other] ?? null);
      expect(sha256Hex(found ?? Buffer.alloc(0))).not.toBe(changed[0]?.sha256);
    });
    expect([null, "malformed", "too-large"]).toContain(unpacked);
  });

  test("a bomb costs no more than its cap, in either frame", () => {
    const bomb = zstdCompressSync(Buffer.alloc(300_000_000));
    const before = process.memoryUsage().rss;
    const first = Buffer.concat([uint32(bomb.length), bomb]);
    expect(refusal(() => openDelta(first, Buffer.alloc(0)))).toBe("too-large");
    const second = Buffer.concat([uint32(0), bomb]);
    const file = { path: "a.json", sha256: "0".repeat(64), size: 10 };
    expect(refusal(() => deltaFiles(second, [file], () => null))).toBe("too-large");
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  test("a manifest that names more than a reader holds at once is `too-large` before anything is unpacked", () => {
    const many = Array.from({ length: 20 }, (_, index) => ({
      path: `${index}`,
      sha256: "0".repeat(64),
      size: 1_000_000,
    }));
    expect(refusal(() => deltaFiles(frame, many, () => null))).toBe("too-large");
  });
});
