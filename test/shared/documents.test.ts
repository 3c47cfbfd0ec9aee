import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type * as z from "zod/mini";
import { assignmentSet } from "../../shared/assignment.ts";
import { bundle } from "../../shared/bundle.ts";
import { canonicalJson, parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { eventBatch } from "../../shared/event.ts";
import { fleetHead } from "../../shared/head.ts";
import { move } from "../../shared/move.ts";
import { readYaml } from "../../shared/node/yaml.ts";
import { parseAs, pointer } from "../../shared/parse.ts";
import { ack, hello } from "../../shared/protocol.ts";
import { report, reportDelta } from "../../shared/report.ts";
import { rolloutFile } from "../../shared/rollout.ts";
import { root } from "../../shared/root.ts";
import { siteRecord } from "../../shared/site.ts";
import { changedAt, isObject, type Place, places } from "./document-places.ts";

/** The smallest and the fullest example of each format lie in `test/golden/documents/<kind>/`. */
interface Format {
  schema: z.ZodMiniType;
  /** What the full example holds that this version knows and does not do. */
  unsupported: readonly string[];
  unsupportedIn(document: unknown): string[];
}

function format<T>(
  schema: z.ZodMiniType<T>,
  unsupportedIn: (document: T) => string[],
  ...unsupported: string[]
): Format {
  return { schema, unsupported, unsupportedIn: (document) => unsupportedIn(parseAs(schema, document, "golden")) };
}

const all = () => [];
const FORMATS: Readonly<Record<string, Format>> = {
  root: format(root, all),
  head: format(fleetHead, all),
  move: format(move, all),
  bundle: format(bundle, all),
  site: format(siteRecord, all),
  assignment: format(assignmentSet, all),
  report: format(report, all),
  delta: format(reportDelta, all),
  event: format(eventBatch, all),
  hello: format(hello, all),
  ack: format(ack, all),
  rollout: format(rolloutFile, all),
};

const FOLDER = new URL("../golden/documents/", import.meta.url);

function golden(kind: string, which: "minimal" | "full"): { text: string; value: unknown; format: Format } {
  const format = FORMATS[kind];
  if (format === undefined) throw new Error(`no format ${kind}`);
  const file = `${kind}/${which}.${kind === "rollout" ? "yaml" : "json"}`;
  const text = readFileSync(new URL(file, FOLDER), "utf8");
  const value =
    kind === "rollout" ? readYaml(text, file, format.schema) : parseCanonical(Buffer.from(text), file, 1024 * 1024);
  return { text, value, format };
}

/** The pointer that a refusal names; anything but a refusal with code `schema` is a bug. */
function refusedAt(schema: z.ZodMiniType, document: unknown): string | null {
  try {
    parseAs(schema, document, "golden");
    return null;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "schema") throw error;
    return error.where?.replace(/^golden \/?/, "/") ?? "";
  }
}

const SAMPLES = Object.keys(FORMATS).flatMap((kind) =>
  (["minimal", "full"] as const).map((which): [string, "minimal" | "full"] => [kind, which]),
);

it("every folder of examples has its format here", () => {
  expect(readdirSync(FOLDER).toSorted()).toEqual(Object.keys(FORMATS).toSorted());
});

describe.each(SAMPLES)("%s, %s", (kind, which) => {
  const { text, value, format } = golden(kind, which);
  const found = [...places(format.schema, value)];

  it("is read, and written again as the same bytes", () => {
    const read = parseAs(format.schema, value, "golden");
    if (kind === "rollout") expect(JSON.parse(canonicalJson(read))).toEqual(value);
    else expect(canonicalJson(read)).toBe(text);
  });

  it("is refused without a key that it must have, which is named", () => {
    const cases = found.flatMap((place) => place.required.map((key): [Place, string] => [place, key]));
    expect(cases.length).toBeGreaterThanOrEqual(3);
    for (const [place, key] of cases) {
      const without = changedAt(value, place.path, (at) =>
        Object.fromEntries(Object.entries(at as object).filter(([each]) => each !== key)),
      );
      expectNamed(format.schema, without, [...place.path, key], place.union);
    }
  });

  it("is refused with a key that nobody knows, which is named", () => {
    for (const place of found) {
      if (place.sort === "object")
        expectNamed(format.schema, withKey(value, place, "zzz"), [...place.path, "zzz"], place.union);
      if (place.ruledKeys) expectNamed(format.schema, withKey(value, place, "!"), [...place.path, "!"], place.union);
    }
  });

  it("is refused with a value of another type, which is named", () => {
    for (const place of found) {
      for (const wrong of place.wrong) {
        expectNamed(
          format.schema,
          changedAt(value, place.path, () => wrong),
          place.path,
          place.union,
        );
      }
    }
  });
});

describe.each(Object.keys(FORMATS))("%s", (kind) => {
  it("has nothing in its minimal example that could be left out", () => {
    const { value, format } = golden(kind, "minimal");
    const surplus = [...places(format.schema, value)].flatMap((place) =>
      place.sort === "object" && isObject(place.value) && place.union === undefined
        ? Object.keys(place.value).filter((key) => !place.required.includes(key))
        : [],
    );
    expect(surplus).toEqual([]);
  });

  it("has every key of the format in its full example", () => {
    const { value, format } = golden(kind, "full");
    const byShape = new Map<string, { known: readonly string[]; seen: Set<string> }>();
    for (const place of places(format.schema, value)) {
      if (place.known.length === 0 || !isObject(place.value)) continue;
      const shape = place.known.join();
      const entry = byShape.get(shape) ?? { known: place.known, seen: new Set() };
      for (const key of Object.keys(place.value)) entry.seen.add(key);
      byShape.set(shape, entry);
    }
    for (const { known, seen } of byShape.values()) expect([...seen].toSorted()).toEqual(known.toSorted());
  });

  it("says what this version does not do: nothing of the minimal example, all of it in the full one", () => {
    const minimal = golden(kind, "minimal");
    expect(minimal.format.unsupportedIn(minimal.value)).toEqual([]);
    const full = golden(kind, "full");
    expect(full.format.unsupportedIn(full.value).toSorted()).toEqual(full.format.unsupported.toSorted());
  });
});

function withKey(document: unknown, place: Place, key: string): unknown {
  return changedAt(document, place.path, (at) => ({ ...(at as object), [key]: "text" }));
}

/** Outside of unions the place itself; inside one the union or a part of it that holds the place. */
function expectNamed(schema: z.ZodMiniType, document: unknown, path: Place["path"], union: number | undefined): void {
  const expected = path.length === 0 ? "/" : pointer(path);
  const named = refusedAt(schema, document);
  if (union === undefined) return expect(named, `at ${expected}`).toBe(expected);
  expect(named, `at ${expected}`).not.toBeNull();
  expect(`${expected}/`.startsWith(`${named}/`), `${named} for ${expected}`).toBe(true);
  expect(named?.startsWith(pointer(path.slice(0, union))), `${named} for ${expected}`).toBe(true);
}
