import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUNDLE_YAML, type FleetFixture, fleetFixture } from "./fixture.ts";

let fleet: FleetFixture;
beforeAll(async () => {
  fleet = await fleetFixture();
});
afterAll(() => fleet.remove());

/** Builds with these lines below `health:`, which is line 6. */
async function build(...rules: string[]) {
  const text = `${BUNDLE_YAML}health:\n  rules:\n${rules.map((rule) => `    - ${rule}\n`).join("")}`;
  await fleet.write("bundles/pos/bundle.yaml", text);
  fleet.commit("rules");
  return await fleet.skerry("bundle", "build", "bundles/pos");
}

test("rules go into the manifest as they are written, beside the times that nobody wrote", async () => {
  const rule = { apiVersion: "apps/v1", kind: "Deployment", cel: "object.status.readyReplicas >= 1" };
  const { code, err } = await build(JSON.stringify(rule));
  expect([code, err]).toEqual([0, []]);
  const manifest = JSON.parse(await readFile(`${fleet.folder}/.skerry/pos/1.4.2/bundle.json`, "utf8"));
  expect(manifest.health).toEqual({ holdFor: "10s", deadline: "10m", rules: [rule] });
});

const GOOD = "{ apiVersion: apps/v1, kind: Deployment, cel: 'true' }";

test.each([
  ["no CEL", [GOOD.replace("'true'", "'object.'")], "schema: not CEL", ":8 /health/rules/0/cel)"],
  ["no truth", [GOOD.replace("'true'", "'1 + 1'")], "schema: the expression is of type int", ":8 /health/rules/0/cel)"],
  ["without a kind", ["{ apiVersion: v1, cel: 'true' }"], "schema: ", ":8 /health/rules/0"],
  ["twice for a kind", [GOOD, GOOD], "schema: a second health rule for apps/v1 Deployment", ":9 /health/rules/1)"],
  [
    "of a version that the bundle does not use",
    [GOOD, GOOD.replace("/v1", "/v1beta1")],
    "schema: the bundle has no object of apps/v1beta1 Deployment",
    ":9 /health/rules/1); its apiVersion here is apps/v1",
  ],
  [
    "of a kind that the bundle does not have",
    ["{ apiVersion: example.com/v1, kind: Till, cel: 'true' }"],
    "schema: the bundle has no object of example.com/v1 Till",
    ":8 /health/rules/0); leave the rule out",
  ],
])("a rule is refused that is %s", async (_, rules, words, where) => {
  const { code, err } = await build(...rules);
  expect(code).toBe(1);
  expect(err[0]).toContain(words);
  expect(err[0]).toContain(`bundles/pos/bundle.yaml${where}`);
});
