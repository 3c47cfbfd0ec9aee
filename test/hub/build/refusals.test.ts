import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUNDLE_YAML, type FleetFixture, fleetFixture, TILL_YAML } from "./fixture.ts";

let fleet: FleetFixture;
beforeAll(async () => {
  fleet = await fleetFixture();
});
afterAll(() => fleet.remove());

async function refusal(file: string, content: string): Promise<string> {
  const before = fleet.git("rev-parse", "HEAD").trim();
  await fleet.write(file, content);
  fleet.commit("a mistake");
  const { code, out, err } = await fleet.skerry("bundle", "build", "bundles/pos");
  fleet.git("reset", "--quiet", "--hard", before);
  expect([code, out, err.length]).toEqual([1, [], 1]);
  return err[0] ?? "";
}

const SOURCE = "bundles/pos/bundle.yaml";
const TILL = "bundles/pos/manifests/till.yaml";

describe("bundle.yaml", () => {
  test.each([
    ["an unknown key", "colour: red", "schema: unknown key", `(${SOURCE}:6 /colour)`],
    ["a wrong value", "drift: { mode: fix }", "schema: must be", `(${SOURCE}:6 /drift/mode)`],
    ["broken YAML", "drift: { mode", "malformed: not YAML", `(${SOURCE}:7`],
    ["two readings", "remove: no", "malformed: `no` is the boolean false", `(${SOURCE}:6)`],
    ["a key nearly right", "scopes: []", "did you mean scope?", `(${SOURCE}:6 /scopes)`],
    ["a key nearly right, further in", "prune: { shore: 30% }", "did you mean share?", `(${SOURCE}:6 /prune/shore)`],
    ["a variable's default", "variables: { A: { default: 1 } }", "schema: ", ":6 /variables/A/default)"],
    ["a patch that is not there", "overlays: [{ sites: {}, patch: a.yaml }]", "config: the commit has no", ":6 /over"],
    ["a patch outside", "overlays: [{ sites: {}, patch: ../a.yaml }]", "schema: must be a path below", ":6 /over"],
    [
      "secrets that are not there",
      "secrets: [secrets/*.sops.yaml]",
      "config: the commit has no bundles/pos/sec",
      ":6 /secrets/0)",
    ],
    ["secrets outside", "secrets: [../*.yaml]", "schema: must match", ":6 /secrets/0)"],
    [
      "a phase that names nothing",
      "phases: [{ name: a, objects: { kind: Job } }]",
      "schema: phase a names no",
      ":6 /phases/0)",
    ],
    [
      "a phase of what another has",
      "phases: [{ name: a, objects: { namespace: shop } }, { name: b, objects: { kind: ConfigMap } }]",
      "schema: phase b names no object that no phase before it has",
      ":6 /phases/1)",
    ],
    [
      "two phases of a name",
      "phases: [{ name: a, objects: { kind: ConfigMap } }, { name: a }]",
      "a second phase a",
      ":6 /phases/1)",
    ],
    [
      "a health rule",
      "health: { rules: [{ apiVersion: v1, kind: A, cel: x }] }",
      "schema: ",
      ":6 /health/rules/0/cel)",
    ],
    [
      "a path that is no pointer",
      "drift: { ignore: [{ paths: [spec.replicas] }] }",
      "must be a JSON pointer",
      ":6 /drift/",
    ],
    [
      "our label",
      "drift: { ignore: [{ paths: [/metadata/labels] }] }",
      "covers the label",
      ":6 /drift/ignore/0/paths/0)",
    ],
    ["content of what is removed", "remove: true", "schema: a version that takes the bundle away", ":4 /content)"],
    [
      "a requirement of itself",
      "requires: [{ bundle: pos, atLeast: 1.0.0 }]",
      "schema: a bundle cannot",
      ":6 /requires",
    ],
    ["a version that is none", "minAgent: newest", "schema: must be a semantic version", ":6 /minAgent)"],
    ["a check that is no CEL", "checks: [{ cel: 'object.', message: b }]", "schema: ", ":6 /checks/0/cel)"],
    ["a check that does not hold", "checks: [{ cel: 'false', message: never }]", "policy: check 0", "till.yaml:1 "],
    ["a version to come from, unpublished", "from: 1.0.0", "not-found: version 1.0.0", ":6 /from)"],
    ["a version to come from that is itself", "from: 1.4.2", "schema: from 1.1 is not before", ":6 /from)"],
    ["a floor nobody published", "floor: 1.0.0", "not-found: version 1.0.0", ":6 /floor)"],
  ])("%s", async (_, line, words, where) => {
    const error = await refusal(SOURCE, `${BUNDLE_YAML}${line}\n`);
    expect(error).toContain(words);
    expect(error).toContain(where);
  });

  test.each([
    ["no content", "content: {}", "schema: must be one of", ":4"],
    ["two contents", "content: { manifests: a, kustomize: b }", "schema: must be one of", ":4"],
    ["a chart without namespace", "content: { helm: chart }", "schema: missing: the namespace", ":4 /content/helm)"],
    [
      "values without a chart",
      "content: { manifests: a, values: b.yaml }",
      "schema: goes with helm",
      ":4 /content/values)",
    ],
    ["a chart elsewhere", "content: { helm: 'oci://example.com/a', namespace: shop }", "schema: must be a path", ":4"],
    ["a folder outside", "content: { manifests: ../other }", "schema: must be a path below", ":4"],
    ["an empty folder", "content: { manifests: none }", "config: there is no object in it", ":4"],
  ])("%s", async (_, content, words, where) => {
    const error = await refusal(SOURCE, BUNDLE_YAML.replace(/content: .*/, content));
    expect(error).toContain(words);
    expect(error).toContain(`${SOURCE}${where}`);
  });

  test("what is empty or the default is taken", async () => {
    const defaults =
      "remove: false\nplainSecrets: []\nchecks: []\nprune: { share: 30%, allow: [] }\ndrift: { mode: correct }\n";
    await fleet.write(SOURCE, `${BUNDLE_YAML}${defaults}floor: this\nepoch: 3\n`);
    fleet.commit("defaults");
    const { code, out } = await fleet.skerry("bundle", "build", "bundles/pos");
    fleet.git("reset", "--quiet", "--hard", "HEAD^");
    expect([code, out[0]]).toEqual([0, expect.stringContaining("pos@1.4.2 3.1 ")]);
  });

  test("a name that the root delegates to nobody", async () => {
    const error = await refusal(SOURCE, BUNDLE_YAML.replace("name: pos", "name: other"));
    expect(error).toContain("undelegated:");
    expect(error).toContain(`${SOURCE}:2 /name`);
  });
});

describe("manifests", () => {
  const object = (text: string) => `${TILL_YAML}---\n${text}`;
  test.each([
    [
      "a plain Secret",
      object("apiVersion: v1\nkind: Secret\nmetadata: { name: a, namespace: shop }\ndata: { a: YQ== }\n"),
      "unsupported: Secrets in the clear: shop/a",
      ":22)",
    ],
    [
      "a list in a list",
      object("apiVersion: v1\nkind: List\nitems:\n  - items: []\n"),
      "unsupported: a list in",
      ":24)",
    ],
    ["no object", object("just: text\n"), "malformed: not a Kubernetes object", ":21)"],
    [
      "a namespace not allowed",
      TILL_YAML.replace("namespace: shop", "namespace: bank"),
      "privilege:",
      ":1 apps/v1 Deployment bank/till)",
    ],
    [
      "a privileged pod",
      TILL_YAML.replace("    spec:\n", "    spec:\n      hostNetwork: true\n"),
      "privilege:",
      ":12 apps/v1 Deployment shop/till /spec/template/spec/hostNetwork)",
    ],
    [
      "an object twice",
      object("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: till, namespace: shop }\n"),
      "schema: is the same object as bundles/pos/manifests/till.yaml:16",
      ":21 v1 ConfigMap shop/till)",
    ],
    [
      "a variable",
      TILL_YAML.replace('"yes"', '"${NAME}"'),
      "variable: ${NAME}",
      ":19 v1 ConfigMap shop/till /data/greeting)",
    ],
    ["a key twice", TILL_YAML.replace("replicas: 2", "replicas: 2\n  replicas: 3"), 'malformed: "replicas"', ":8)"],
  ])("%s", async (_, text, words, where) => {
    const error = await refusal(TILL, text);
    expect(error).toContain(words);
    expect(error).toContain(`${TILL}${where}`);
  });

  test("every image without a digest is named", async () => {
    const more = "        - { name: b, image: busybox }\n---\napiVersion: v1\n";
    const loose = TILL_YAML.replace(/@sha256:[0-9a-f]+/, "").replace("---\napiVersion: v1\n", more);
    const error = await refusal(TILL, loose);
    expect(error).toMatch(/^image: .*till:1\.4\.2 \(.*till\.yaml:14\), busybox \(.*till\.yaml:15\)/);
  });

  test("a file that is not YAML", async () => {
    const error = await refusal("bundles/pos/manifests/a.json", "{}");
    expect(error).toContain("unsupported: only YAML files");
    expect(error).toContain("(bundles/pos/manifests/a.json)");
  });
});
