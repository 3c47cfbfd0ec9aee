import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, TILL_YAML } from "./fixture.ts";

let fleet: FleetFixture;
beforeAll(async () => {
  fleet = await fleetFixture();
  await buildAndSign(fleet, "1.4.2");
  await fleet.skerry("bundle", "publish", "pos@1.4.2");
});
afterAll(() => fleet.remove());

const NEXT = BUNDLE_YAML.replace("1.4.2", "1.5.0");

/** Builds 1.5.0 with these lines and files, and takes the commit away again. */
async function build(lines: string, files: Record<string, string> = {}) {
  const before = fleet.git("rev-parse", "HEAD").trim();
  await fleet.write("bundles/pos/bundle.yaml", lines.startsWith("kind:") ? lines : `${NEXT}${lines}`);
  for (const [file, text] of Object.entries(files)) await fleet.write(`bundles/pos/${file}`, text);
  fleet.commit("keys");
  const { code, err, out } = await fleet.skerry("bundle", "build", "bundles/pos");
  fleet.git("reset", "--quiet", "--hard", before);
  const read = (file: string) => readFile(join(out[1] ?? "", "..", file), "utf8");
  const manifest = JSON.parse(code === 0 ? await read("bundle.json") : "{}") as Bundle;
  return { code, err, manifest, file: async (path: string) => JSON.parse(await read(`files/${path}`)) };
}

describe("keys of bundle.yaml", () => {
  test.each([
    [
      "variables",
      "variables: { REGION: { label: region, enum: [north] }, COUNT: { type: integer, default: 1 } }",
      { REGION: { label: "region", enum: ["north"] }, COUNT: { type: "integer", default: 1 } },
    ],
    ["requires", "requires: [{ bundle: base, atLeast: 2.1.0 }]", [{ bundle: "base", atLeast: "2.1.0" }]],
    [
      "checks",
      `checks: [{ cel: "object.kind != 'Pod'", message: no bare pods }]`,
      [{ cel: "object.kind != 'Pod'", message: "no bare pods" }],
    ],
    ["minAgent", "minAgent: 0.3.0", "0.3.0"],
    ["from", "from: 1.4.2", [1, 1]],
    ["floor", "floor: 1.4.2", [1, 1]],
    ["floor", "floor: this", [1, 2]],
    ["epoch", "epoch: 4", 4],
    ["health", "health: { holdFor: 1m }", { holdFor: "1m", deadline: "10m" }],
    ["prune", "prune: { share: 30% }", { share: "30%" }],
  ])("%s goes into the manifest: %s", async (key, line, wanted) => {
    const { err, manifest } = await build(`${line}\n`);
    expect(err).toEqual([]);
    expect(manifest[key as keyof Bundle]).toEqual(wanted);
  });

  test("a version that takes the bundle away has no content and no files", async () => {
    const { err, manifest } = await build(`${NEXT.replace(/content: .*\n/, "")}remove: true\n`);
    expect(err).toEqual([]);
    expect(manifest).toMatchObject({ remove: true, files: [], images: [], seq: 2, prev: expect.any(String) });
  });

  test("a patch becomes a file for each document; one with a list of operations is a JSON patch", async () => {
    const target = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: till, namespace: shop }\n";
    const north = `${target}spec: { replicas: 3 }\n---\n${target}patch:\n  - { op: replace, path: /spec/replicas, value: 4 }\n`;
    const { err, manifest, file } = await build(
      "overlays: [{ sites: { region: north }, patch: overlays/north.yaml }, { sites: {}, patch: overlays/north.yaml }]\n",
      { "overlays/north.yaml": north },
    );
    expect(err).toEqual([]);
    const [one, two] = ["overlays/north.yaml/00-deployment-till.json", "overlays/north.yaml/01-deployment-till.json"];
    expect(manifest.overlays).toEqual([
      { sites: { region: "north" }, patch: one, type: "strategic" },
      { sites: { region: "north" }, patch: two, type: "json" },
      { sites: {}, patch: one, type: "strategic" },
      { sites: {}, patch: two, type: "json" },
    ]);
    expect(manifest.files.map(({ path }) => path)).toEqual([
      "00-deployment-till.json",
      "01-configmap-till.json",
      one,
      two,
    ]);
    expect(await file(two)).toMatchObject({ kind: "Deployment", patch: [{ op: "replace" }] });
  });

  test("a patch that names no object says how to write one", async () => {
    const { err } = await build("overlays: [{ sites: {}, patch: p.yaml }]\n", {
      "p.yaml": "- { op: remove, path: /spec }\n",
    });
    expect(err).toEqual([
      expect.stringMatching(/^malformed: .*\(bundles\/pos\/p\.yaml:1\); write apiVersion, kind and metadata/),
    ]);
  });

  test("what a patch does is checked as a site would, at the line of the patch", async () => {
    const { err } = await build("overlays: [{ sites: { a: b }, patch: p.yaml }]\n", {
      "p.yaml":
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: till, namespace: shop }\nspec: { template: { spec: { hostNetwork: true } } }\n",
    });
    expect(err).toEqual([expect.stringMatching(/^privilege: .*forbids hostNetwork/)]);
  });
});

describe("Secrets in the clear", () => {
  const secret = (name: string, more = "data: { a: YQ== }") =>
    `${TILL_YAML}---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: shop }\n${more}\n`;
  const till = (text: string) => ({ "manifests/till.yaml": text });

  test.each(["[tls]", "[shop/tls]"])("one that plainSecrets names is taken: %s", async (names) => {
    const { err, manifest } = await build(`plainSecrets: ${names}\n`, till(secret("tls")));
    expect([err, manifest.files.length]).toEqual([[], 3]);
  });

  test("all others are named in one message, which says what to do", async () => {
    const two = `${secret("one")}${secret("two", "stringData: { a: b }").slice(TILL_YAML.length)}`;
    const { err } = await build("plainSecrets: [bank/one]\n", till(two));
    expect(err).toEqual([
      expect.stringMatching(
        /^unsupported: Secrets in the clear: shop\/one \(\S+till\.yaml:22\), shop\/two \(\S+:27\); .*SealedSecret.*plainSecrets/,
      ),
    ]);
  });

  test("one without data passes: a controller fills it", async () => {
    const { err } = await build("", till(secret("token", "type: kubernetes.io/service-account-token")));
    expect(err).toEqual([]);
  });

  test("what nothing is called, and a private key in a ConfigMap, are warned of", async () => {
    const key = TILL_YAML.replace('greeting: "yes"', 'tls.key: "-----BEGIN RSA PRIVATE KEY-----\\n"');
    const { err } = await build("plainSecrets: [tls]\n", till(key));
    expect(err).toEqual([
      "warning: bundles/pos/bundle.yaml:6 /plainSecrets/0 no Secret in the clear is called tls",
      expect.stringMatching(/^warning: bundles\/pos\/manifests\/till\.yaml:19 a private key in a ConfigMap/),
    ]);
  });
});

test("what kubectl and YAML 1.2 read differently is a warning with its line", async () => {
  const { err, file } = await build("", {
    "manifests/till.yaml": TILL_YAML.replace("replicas: 2", "replicas: 010"),
  });
  expect(err).toEqual([
    expect.stringMatching(/^warning: bundles\/pos\/manifests\/till\.yaml:7: `010` is read as kubectl does/),
  ]);
  expect((await file("00-deployment-till.json")).spec.replicas).toBe(8);
});
