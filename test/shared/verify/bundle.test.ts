import { describe, expect, it } from "vitest";
import { BUNDLE_NAMESPACE, type Bundle } from "../../../shared/bundle.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { ItemFlag } from "../../../shared/report.ts";
import type { Delegation } from "../../../shared/root.ts";
import { close, openForSite, reopen, rushedUntil, type SiteView, standing } from "../../../shared/verify/bundle.ts";
import { checkFile, expectFile, finish, parseObject, take } from "../../../shared/verify/file.ts";
import { VERSION } from "../../../shared/version.ts";
import { configMap, keys, NOW, sign, signBytes, signedBundle, siteDocument, trustedRoot } from "../../support/fleet.ts";

const root = trustedRoot();
const other = { pair: [1, 1], digest: "0".repeat(64) } satisfies SiteView["known"][number];

function view(changes: Partial<SiteView> = {}): SiteView {
  return { record: siteDocument(), marks: null, known: [], now: NOW, synced: true, ...changes };
}

/** The code and place of a refusal; anything else that is thrown is a bug. */
function refusal(run: () => unknown): { code: string; where: string | undefined; words: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, where: error.where, words: error.message };
  }
  throw new Error("it was accepted");
}

describe("a bundle that its owners signed", () => {
  it("is opened, closed and opened again from disk", () => {
    const made = signedBundle();
    const opened = openForSite(made.document, "pos", root, view());
    const closed = close(opened, made.checked);
    expect(closed.digest).toBe(sha256Hex(made.document.body));
    expect(closed.files[0]?.object).toEqual(configMap("till"));
    expect(reopen(made.document, "pos", root, made.checked).digest).toBe(closed.digest);
  });
});

describe("an attack on the manifest is refused by name", () => {
  const later = (changes: Partial<Bundle>) => signedBundle(changes).document;

  it.each<[string, string, () => unknown]>([
    [
      "arbitrary install: signed by a stranger",
      "threshold",
      () => open(signedBundle({}, undefined, { pos: keys.stranger }).document),
    ],
    ["arbitrary install: no signature", "threshold", () => open({ ...signedBundle().document, signatures: new Map() })],
    ["arbitrary install: one byte changed", "signature", () => open(changed(signedBundle().document))],
    ["a signature of another kind of document", "signature", () => open(resigned("skerry-site@v1"))],
    ["another fleet's", "fleet", () => open(later({ fleet: "ships" }))],
    [
      "served under another name",
      "undelegated",
      () => openForSite(signedBundle({ name: "pos-two" }).document, "pos", root, view()),
    ],
    [
      "a name that nobody may sign",
      "undelegated",
      () => openForSite(signedBundle().document, "monitoring", root, view()),
    ],
    ["wrong target", "scope", () => open(later({ scope: [{ sites: { ring: "shop" } }] }))],
    ["an epoch below the delegation's, after a theft", "floor", () => openForSite(later({}), "pos", stolen(), view())],
    [
      "below the committed floor",
      "floor",
      () => openForSite(later({}), "pos", root, view({ marks: { pair: [1, 5], floor: [1, 3] } })),
    ],
    [
      "below the record's floor, with an empty disk",
      "floor",
      () => openForSite(later({}), "pos", root, view({ record: floors() })),
    ],
    ["a floor above its own pair", "floor", () => open(later({ seq: 2, floor: [1, 3] }))],
    [
      "equivocation",
      "equivocation",
      () => openForSite(later({}), "pos", root, view({ known: [{ pair: [1, 1], digest: "0".repeat(64) }] })),
    ],
    ["created over a day ahead of a synced clock", "future", () => open(later({ createdAt: "2026-11-03T08:00:01Z" }))],
    ["endless data", "too-large", () => open({ body: new Uint8Array(9 * 1024 * 1024), signatures: new Map() })],
    [
      "more signatures than anyone needs",
      "too-large",
      () => open({ ...signedBundle().document, signatures: manySignatures() }),
    ],
    [
      "YAML in place of JSON",
      "malformed",
      () => open(signBytes(Buffer.from("name: pos\n"), BUNDLE_NAMESPACE, { pos: keys.pos })),
    ],
    [
      "an unknown key",
      "schema",
      () => open(sign({ ...JSON.parse(text()), extra: 1 }, BUNDLE_NAMESPACE, { pos: keys.pos })),
    ],
    [
      "keys in another order",
      "malformed",
      () => open(signBytes(Buffer.from(`${text().slice(0, -2)}, "a":1}\n`), BUNDLE_NAMESPACE, { pos: keys.pos })),
    ],
    [
      "an epoch that the root is not at, above all that owners could sign after a thief",
      "undelegated",
      () => open(later({ epoch: Number.MAX_SAFE_INTEGER })),
    ],
    ["two phases of one name", "schema", () => open(later({ phases: [{ name: "one" }, { name: "one" }] }))],
    ["made for a later agent", "unsupported", () => open(later({ minAgent: "99.0.0" }))],
    ["a requirement that cannot be compared", "schema", () => open(later({ requires: [required("base", "2.1")] }))],
    [
      "two requirements of one bundle",
      "schema",
      () => open(later({ requires: [required("base"), required("base", "2.0.0")] })),
    ],
    ["a requirement of itself", "schema", () => open(later({ requires: [required("pos")] }))],
    ["a removal that brings files", "schema", () => open(later({ remove: true }))],
    ["no files and no removal", "schema", () => open(later({ files: [] }))],
    ["one path twice", "schema", () => open(twice())],
    [
      "an overlay of a file that is not there",
      "schema",
      () => open(later({ overlays: [{ sites: {}, patch: "north.json", type: "strategic" }] })),
    ],
    [
      "a variable that the hub may set to anything",
      "schema",
      () => open(later({ variables: { IMAGE: { settable: "hub" } } })),
    ],
  ])("%s: %s", (_title, code, run) => {
    expect(refusal(run).code).toBe(code);
  });

  it("names the key that is not accepted", () => {
    const bad = JSON.parse(text()) as { scope: unknown };
    bad.scope = [{ sites: { ring: 7 } }];
    const found = refusal(() => open(sign(bad, BUNDLE_NAMESPACE, { pos: keys.pos })));
    expect(found).toMatchObject({ code: "schema", where: "bundles/pos bundle.json /scope/0/sites/ring" });
  });

  it("names both versions where the agent is too old", () => {
    expect(refusal(() => open(later({ minAgent: "0.2.0-rc.1" })))).toEqual({
      code: "unsupported",
      where: "bundles/pos bundle.json /minAgent",
      words: `needs agent 0.2.0-rc.1, this is ${VERSION}`,
    });
  });

  it("is none where it asks for what is there: this very agent, another bundle, a removal without files", () => {
    for (const changes of [{ minAgent: VERSION }, { requires: [required("base")] }, { remove: true, files: [] }]) {
      expect(openForSite(later(changes), "pos", root, view()).manifest).toMatchObject(changes);
    }
  });

  it.each<[string, string, Partial<Bundle>, Partial<SiteView>]>([
    [
      "scope before floor",
      "scope",
      { scope: [{ sites: { ring: "shop" } }] },
      { marks: { pair: [1, 5], floor: [1, 3] } },
    ],
    ["floor before equivocation", "floor", {}, { marks: { pair: [1, 5], floor: [1, 3] }, known: [other] }],
    ["equivocation before date", "equivocation", { createdAt: "2027-01-01T00:00:00Z" }, { known: [other] }],
    ["its own form before the site", "schema", { files: [] }, { known: [other] }],
  ])("is refused for the first of two reasons: %s", (_title, code, changes, site) => {
    expect(refusal(() => openForSite(later(changes), "pos", root, view(site))).code).toBe(code);
  });

  it("is no attack where the clock is not known to be right", () => {
    expect(
      openForSite(later({ createdAt: "2027-11-03T08:00:01Z" }), "pos", root, view({ synced: false })).manifest.seq,
    ).toBe(1);
  });
});

describe("an attack on the files", () => {
  const made = signedBundle();
  const opened = openForSite(made.document, "pos", root, view());
  const [file] = opened.manifest.files;
  if (file === undefined) throw new Error("the sample has a file");
  const bytes = made.files.get(file.path) ?? new Uint8Array();

  it("endless data: ends at the first byte too many", () => {
    const incoming = expectFile(file);
    take(incoming, bytes);
    expect(refusal(() => take(incoming, Buffer.of(0))).code).toBe("digest");
  });

  it("one byte changed", () => {
    const incoming = expectFile(file);
    take(incoming, Buffer.from(bytes).fill("x", 3, 4));
    expect(refusal(() => finish(incoming))).toMatchObject({ code: "digest", where: `files/${file.path}` });
  });

  it("a cut file", () => {
    const incoming = expectFile(file);
    take(incoming, bytes.subarray(1));
    expect(refusal(() => finish(incoming)).code).toBe("digest");
  });

  it("a missing file", () => {
    expect(refusal(() => close(opened, new Map()))).toMatchObject({ code: "digest", where: `files/${file.path}` });
  });

  it("YAML in a file that was signed: named, with what to do", () => {
    const yaml = Buffer.from("kind: ConfigMap\n");
    const sha256 = sha256Hex(yaml);
    const document = signedBundle({ files: [{ path: "till.yaml", sha256, size: yaml.byteLength }] }).document;
    const found = refusal(() =>
      close(openForSite(document, "pos", root, view()), new Map([[sha256, checkFile(sha256, yaml)]])),
    );
    expect(found).toMatchObject({ code: "malformed", where: "files/till.yaml" });
  });

  it("nested so deep that whoever walks through it falls", () => {
    const deep = Buffer.from(
      `{"apiVersion":"v1","kind":"X","metadata":{"name":"x"},"spec":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
    );
    expect(refusal(() => parseObject(checkFile(sha256Hex(deep), deep), "x.json")).code).toBe("malformed");
  });

  it("bytes on disk that rotted", () => {
    expect(refusal(() => checkFile(file.sha256, Buffer.from("rotten"))).code).toBe("digest");
  });
});

describe("signed pace", () => {
  const paced = openForSite(
    signedBundle({ scope: [{ sites: { ring: "lab" } }, { sites: {}, after: "2d" }] }).document,
    "pos",
    root,
    view(),
  ).manifest;

  it("holds a site back until its time, and the first entry that matches counts", () => {
    expect(rushedUntil(paced, siteDocument(), NOW)).toBeNull();
    expect(rushedUntil(paced, siteDocument({ labels: {} }), NOW)).toBe(Date.parse("2026-11-03T08:00:00Z"));
    expect(rushedUntil(paced, siteDocument({ labels: {} }), Date.parse("2026-11-03T08:00:00Z"))).toBeNull();
  });
});

it("what was accepted runs on after its key left and its epoch was raised", () => {
  const made = signedBundle();
  expect(refusal(() => openForSite(made.document, "pos", stolen(), view())).code).toBe("floor");
  expect(reopen(made.document, "pos", root, made.checked).digest).toBe(made.digest);
});

describe("what the owners of now say of what was accepted", () => {
  const made = signedBundle();
  const { manifest } = openForSite(made.document, "pos", root, view());
  const under = (changes: Partial<Delegation>, name = "pos*") => {
    const [before] = root.document.bundles;
    if (before === undefined) throw new Error("the sample has a delegation");
    return standing(manifest, made.document, trustedRoot({ bundles: [{ ...before, pattern: name, ...changes }] }));
  };

  it.each<[string, ItemFlag[], () => ItemFlag[]]>([
    ["nothing", [], () => under({})],
    ["its key left", ["key-left"], () => under({ keys: ["pos2"] })],
    ["one signature is not enough any more", ["key-left"], () => under({ keys: ["pos", "pos2"], threshold: 2 })],
    ["nobody may sign that name any more", ["key-left"], () => under({}, "base")],
    ["its epoch is over", ["epoch"], () => under({ epoch: 2 })],
    ["its key was stolen, and left", ["key-left", "epoch"], () => under({ keys: ["pos2"], epoch: 2 })],
  ])("%s: %j", (_title, flags, run) => {
    expect(run()).toEqual(flags);
  });
});

function required(bundle: string, atLeast = "1.0.0"): { bundle: string; atLeast: string } {
  return { bundle, atLeast };
}

function twice(): ReturnType<typeof signedBundle>["document"] {
  const { manifest } = openForSite(signedBundle().document, "pos", root, view());
  return signedBundle({ files: [...manifest.files, ...manifest.files] }).document;
}

function open(document: Parameters<typeof openForSite>[0]): unknown {
  return openForSite(document, "pos", root, view());
}

function text(): string {
  return Buffer.from(signedBundle().document.body).toString();
}

function changed(document: ReturnType<typeof signedBundle>["document"]): typeof document {
  return { ...document, body: Buffer.from(Buffer.from(document.body).toString().replace("1.0.0", "1.0.1")) };
}

function resigned(namespace: string): ReturnType<typeof signedBundle>["document"] {
  return signBytes(signedBundle().document.body, namespace, { pos: keys.pos });
}

function stolen(): typeof root {
  return trustedRoot({
    bundles: [
      { pattern: "pos*", keys: ["root2"], threshold: 1, epoch: 2, namespaces: ["shop"], kinds: ["*"] },
      ...ownEpochs(),
    ],
  });
}

/** The same key may still sign, in a raised epoch. */
function ownEpochs(): {
  pattern: string;
  keys: string[];
  threshold: number;
  epoch: number;
  namespaces: string[];
  kinds: string[];
}[] {
  return [{ pattern: "pos", keys: ["pos"], threshold: 1, epoch: 2, namespaces: ["shop"], kinds: ["*"] }];
}

function floors(): ReturnType<typeof siteDocument> {
  return siteDocument({ floors: { pos: [1, 2] } });
}

function manySignatures(): Map<string, string> {
  return new Map(Array.from({ length: 33 }, (_value, index) => [`k${index}`, ""]));
}
