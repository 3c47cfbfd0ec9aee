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
    [
      "variables",
      "variables: { A: { default: 1 } }",
      "unsupported: this version does not do variables",
      ":6 /variables)",
    ],
    ["overlays", "overlays: [{ sites: {}, patch: a.yaml }]", "unsupported: this version does not do overlays", ":6"],
    ["secrets", "secrets: [secrets/*.sops.yaml]", "unsupported: this version does not do secrets", ":6 /secrets)"],
    ["phases", "phases: [{ name: app }]", "unsupported: this version does not do phases", ":6 /phases)"],
    [
      "health rules",
      "health: { rules: [{ apiVersion: v1, kind: A, cel: x }] }",
      "not do health.rules",
      ":6 /health/rules)",
    ],
    ["drift modes", "drift: { mode: ignore }", "unsupported: this version does not do drift.mode", ":6 /drift/mode)"],
    ["drift.ignore", "drift: { ignore: [{ paths: [/a] }] }", "not do drift.ignore", ":6 /drift/ignore)"],
    ["requires", "requires: [{ bundle: base, atLeast: 2.1.0 }]", "not do requires", ":6 /requires)"],
    ["recreate", "recreate: [{ kind: Job }]", "not do recreate", ":6 /recreate)"],
    ["prune.allow", "prune: { allow: [{ kind: Job }] }", "not do prune.allow", ":6 /prune/allow)"],
    ["hold", "hold: { atMost: 12h }", "unsupported: this version does not do hold", ":6 /hold)"],
    ["remove", "remove: true", "unsupported: this version does not do remove", ":6 /remove)"],
    ["minAgent", "minAgent: 0.3.0", "unsupported: this version does not do minAgent", ":6 /minAgent)"],
    ["plainSecrets", "plainSecrets: [a]", "unsupported: this version does not do plainSecrets", ":6 /plainSecrets)"],
    ["checks", "checks: [{ cel: a, message: b }]", "unsupported: this version does not do checks", ":6 /checks)"],
    ["a floor nobody published", "floor: 1.0.0", "not-found: version 1.0.0", ":6 /floor)"],
    ["a version to come from", "from: 1.0.0", "unsupported: this version does not do from", ":6 /from)"],
  ])("%s", async (_, line, words, where) => {
    const error = await refusal(SOURCE, `${BUNDLE_YAML}${line}\n`);
    expect(error).toContain(words);
    expect(error).toContain(where);
  });

  test.each([
    ["kustomize", "content: { kustomize: . }", "unsupported: this version does not do content.kustomize", ":4"],
    ["helm", "content: { helm: chart, values: v.yaml }", "unsupported: this version does not do content.helm", ":4"],
    ["no content", "content: {}", "schema: missing: the folder", ":4"],
    ["a folder outside", "content: { manifests: ../other }", "schema: must be a folder beside", ":4"],
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
      object("apiVersion: v1\nkind: Secret\nmetadata: { name: a, namespace: shop }\n"),
      "unsupported: Secrets",
      ":22)",
    ],
    [
      "a list in a list",
      object("apiVersion: v1\nkind: List\nitems:\n  - items: []\n"),
      "unsupported: a list in",
      ":24)",
    ],
    ["no object", object("just: text\n"), "malformed: not a Kubernetes object", ":21)"],
    ["a namespace not allowed", TILL_YAML.replace("namespace: shop", "namespace: bank"), "privilege:", ":1)"],
    [
      "a privileged pod",
      TILL_YAML.replace("    spec:\n", "    spec:\n      hostNetwork: true\n"),
      "privilege:",
      ":12)",
    ],
    [
      "an object twice",
      object("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: till, namespace: shop }\n"),
      "schema:",
      ":21)",
    ],
    ["a variable", TILL_YAML.replace('"yes"', '"${NAME}"'), "variable: ${NAME}", ":19)"],
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
