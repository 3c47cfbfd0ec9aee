import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import { sorted } from "../../../shared/canonical.ts";
import type { Json } from "../../../shared/live.ts";
import type { Values } from "../../../shared/names.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { render } from "../../../shared/render/render.ts";
import { valuesFor } from "../../../shared/render/variables.ts";
import { configMap, siteDocument } from "../../support/fleet.ts";
import { object, refusal, rendered } from "./sample.ts";

type Variables = NonNullable<Bundle["variables"]>;

const LABELS = { ring: "lab", region: "north" };

function value(variable: Variables[string], hub: Values = {}, own: Values = {}, name = "A") {
  const record = siteDocument({ labels: LABELS, values: { pos: own, other: { A: "wrong" } } });
  return valuesFor("pos", { A: variable }, record, hub).get(name);
}

/** The spec of a custom object, rendered with these values. */
function spec(written: Json, variables: Variables, own: Values = {}) {
  const record = siteDocument({ values: { pos: own } });
  const given = object("example.com/v1", "Till", "shop", { spec: written });
  return rendered([given], {}, { variables }, { record, hub: {} }).objects[0]?.object["spec"];
}

describe("a value comes from", () => {
  const both: Variables[string] = { default: "d", settable: "hub", enum: ["d", "h", "r"] };
  it.each<[string, Variables[string], Values, Values, Values[string]]>([
    ["the default", both, {}, {}, "d"],
    ["the hub, over the default", both, { A: "h" }, {}, "h"],
    ["the record, over the hub", both, { A: "h" }, { A: "r" }, "r"],
    ["the record, of this bundle only", { default: "d" }, {}, {}, "d"],
    ["the label", { label: "region" }, {}, {}, "north"],
    ["the label, over the default", { label: "region", default: "x" }, {}, {}, "north"],
    ["the default, where there is no such label", { label: "city", default: "x" }, {}, {}, "x"],
  ])("%s", (_title, variable, hub, own, meant) => {
    expect(value(variable, hub, own)).toBe(meant);
  });
});

const INTEGER: Variables[string] = { type: "integer", min: 1, max: 5, default: 1, settable: "hub" };
const TEXT: Variables[string] = { pattern: "^[a-z]{1,8}$", default: "a", settable: "hub" };

describe("refused is", () => {
  it.each<[string, Variables[string], Values, Values, string]>([
    ["a name of the record that nobody declared", TEXT, {}, { B: 1 }, "sites/s-1.json /values/pos/B"],
    ["a name of the hub that nobody declared", TEXT, { B: 1 }, {}, "assignment of pos /values/B"],
    ["a name that every object has", TEXT, { toString: 1 }, {}, "assignment of pos /values/toString"],
    ["a hub's value that only the record sets", { default: "d" }, { A: "h" }, {}, "assignment of pos /values/A"],
    ["a record's value for a label", { label: "region" }, {}, { A: "south" }, "sites/s-1.json /values/pos/A"],
    ["a hub's value for a label", { label: "region" }, { A: "south" }, {}, "assignment of pos /values/A"],
    ["no value at all", {}, {}, {}, "bundle.json /variables/A"],
    ["a label that the site lacks", { label: "city" }, {}, {}, "bundle.json /variables/A"],
    ["a label that every object has", { label: "constructor" }, {}, {}, "bundle.json /variables/A"],
    ["text for a number", INTEGER, {}, { A: "2" }, "sites/s-1.json /values/pos/A"],
    ["a fraction for an integer", INTEGER, { A: 1.5 }, {}, "assignment of pos /values/A"],
    ["below its least", INTEGER, { A: 0 }, {}, "assignment of pos /values/A"],
    ["above its most", INTEGER, {}, { A: 6 }, "sites/s-1.json /values/pos/A"],
    ["a boolean for text", TEXT, {}, { A: true }, "sites/s-1.json /values/pos/A"],
    ["not of its pattern", TEXT, { A: "a b" }, {}, "assignment of pos /values/A"],
    ["a line too many", TEXT, { A: "a\n" }, {}, "assignment of pos /values/A"],
    ["not of its enum", { enum: ["a", "b"], default: "a" }, {}, { A: "c" }, "sites/s-1.json /values/pos/A"],
    ["a label that is not of its pattern", { label: "region", pattern: "^south$" }, {}, {}, "sites/s-1.json /labels"],
    ["a label that is not of its enum", { label: "region", enum: ["south"] }, {}, {}, "sites/s-1.json /labels"],
    [
      "a default out of bounds",
      { type: "integer", max: 1, default: 2 },
      {},
      { A: 1 },
      "bundle.json /variables/A/default",
    ],
    [
      "text that the hub may write freely",
      { settable: "hub", default: "" },
      {},
      {},
      "bundle.json /variables/A/settable",
    ],
    ["a pattern that is not anchored", { pattern: "[a-z]+", default: "a" }, {}, {}, "bundle.json /variables/A/pattern"],
  ])("%s", (_title, variable, hub, own, where) => {
    expect(refusal(() => value(variable, hub, own))).toMatchObject({ code: "variable", where });
  });

  it("a label that is missing, by its name", () => {
    expect(refusal(() => value({ label: "city" })).words).toBe("A has no value: site s-1 has no label city");
  });

  it("for a bundle that is named like what every object has, no value of another", () => {
    expect(valuesFor("constructor", { A: { default: 1, type: "integer" } }, siteDocument(), {}).get("A")).toBe(1);
  });
});

describe("substitution", () => {
  const typed: Variables = {
    N: { type: "integer", default: 3 },
    F: { type: "number", default: 0.5 },
    B: { type: "boolean", default: false },
    S: { default: "text" },
    T: { default: "true" },
    X: { default: "${S} $${S} {{S}}" },
  };
  it.each<[Json, Json]>([
    ["${N}", 3],
    ["${F}", 0.5],
    ["${B}", false],
    ["${S}", "text"],
    ["${T}", "true"],
    ["a ${N} ${F} ${B} ${S}", "a 3 0.5 false text"],
    [" ${N}", " 3"],
    ["${N}${N}", "33"],
    ["$${N}", "${N}"],
    ["$${N} ${N}", "${N} 3"],
    ["${X}", "${S} $${S} {{S}}"],
    ["a ${X}", "a ${S} $${S} {{S}}"],
    [
      ["${N}", { a: ["${B}"] }],
      [3, { a: [false] }],
    ],
  ])("%j becomes %j", (written, meant) => {
    expect(spec({ a: written }, typed)).toEqual({ a: meant });
  });

  it("leaves no trace of replacement patterns of JavaScript", () => {
    expect(spec({ a: "x ${S}" }, { S: { default: "$& $1 $` $'" } })).toEqual({ a: "x $& $1 $` $'" });
  });

  it("never reads text as YAML or JSON", () => {
    const values = ["true", "1", "null", '{"a": 1}', "a: b\nc: d", "- x", '"', "'"];
    for (const each of values)
      expect(spec({ a: "${S}", b: "<${S}>" }, { S: {} }, { S: each })).toEqual({ a: each, b: `<${each}>` });
  });

  it.each(["${NONE}", "${}", "${ S }", "${s}", "${constructor}", "${__proto__}", "a ${NONE} b"])(
    "refuses %s",
    (written) => {
      const found = refusal(() => spec({ list: ["x", { a: written }] }, typed));
      expect(found).toMatchObject({ code: "variable", where: "files/0-till.json /spec/list/1/a" });
    },
  );

  it.each<[string, (name: string) => ReturnType<typeof object>, string]>([
    ["apiVersion", (name) => object(`example.com/${name}`, "Till", "shop"), "/apiVersion"],
    ["kind", (name) => object("example.com/v1", name, "shop"), "/kind"],
    [
      "metadata.name",
      (name) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" } }),
      "/metadata/name",
    ],
    ["metadata.namespace", (name) => object("v1", "ConfigMap", name), "/metadata/namespace"],
    ["a key", (name) => object("v1", "ConfigMap", "shop", { data: { [name]: "x" } }), "/data/a-${S}"],
    ["a label's key", (name) => object("v1", "Pod", "shop", { spec: { a: [{ [name]: 1 }] } }), "/spec/a/0/a-${S}"],
  ])("refuses a variable in %s", (_title, make, at) => {
    const found = refusal(() => rendered([make("a-${S}")], {}, { variables: typed, ...oneFile(make("a-${S}")) }));
    expect(found).toMatchObject({ code: "variable" });
    expect(found.where.endsWith(at)).toBe(true);
  });

  it("cannot blow a file up", () => {
    const many = Array.from({ length: 2000 }, () => "${S}".repeat(2));
    expect(refusal(() => spec({ many }, { S: { default: "x".repeat(1024) } })).code).toBe("too-large");
  });

  it("refuses what is nested too deep to be walked", () => {
    let deep: Json = "x";
    for (let level = 0; level < 70; level += 1) deep = [deep];
    const bundle = {
      manifest: { name: "pos", images: [] },
      delegation: {},
      files: [{ path: "a", object: { ...configMap("a"), deep } }],
    };
    expect(refusal(() => render(bundle as never, { record: siteDocument(), hub: {} })).code).toBe("malformed");
  });
});

/** A file of a plain name, whatever its object is called. */
function oneFile(of: ReturnType<typeof object>): Pick<Bundle, "files"> {
  const bytes = Buffer.from(sorted(of));
  return { files: [{ path: "till.json", sha256: sha256Hex(bytes), size: bytes.byteLength }] };
}
