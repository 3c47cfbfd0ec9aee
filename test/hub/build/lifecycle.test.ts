import { afterEach, beforeEach, expect, test } from "vitest";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, TILL_YAML } from "./fixture.ts";

let fleet: FleetFixture;
beforeEach(async () => {
  fleet = await fleetFixture();
});
afterEach(() => fleet.remove());

/** Builds, signs, verifies and publishes what bundle.yaml says. */
async function release(version: string, source: string) {
  await fleet.write("bundles/pos/bundle.yaml", source.replace(/^version: .*$/m, `version: ${version}`));
  fleet.commit(version);
  await buildAndSign(fleet, version);
  expect(await fleet.skerry("bundle", "verify", `pos@${version}`)).toMatchObject({ code: 0, err: [] });
  expect(await fleet.skerry("bundle", "publish", `pos@${version}`)).toMatchObject({ code: 0, err: [] });
}

test("with variables, patches, checks and requirements, until it is taken away: each version is what its readers take", async () => {
  const target = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: till, namespace: shop }\n";
  await fleet.write(
    "bundles/pos/north.yaml",
    `${target}spec: { replicas: 3 }\n---\n${target}patch: [{ op: test, path: /spec/replicas, value: 3 }]\n`,
  );
  await fleet.write("bundles/pos/manifests/till.yaml", TILL_YAML.replace('"yes"', '"${GREETING}"'));
  await release(
    "1.4.2",
    `${BUNDLE_YAML}variables: { GREETING: { default: hello, enum: [hello, welcome], settable: hub } }
overlays: [{ sites: { region: north }, patch: north.yaml }]
checks: [{ cel: "object.kind != 'Pod'", message: no bare pods }]
requires: [{ bundle: base, atLeast: 2.1.0 }]
minAgent: 0.1.0
`,
  );
  await release("1.5.0", `${BUNDLE_YAML}from: 1.4.2\nvariables: { GREETING: { default: hello } }\n`);
  await release("2.0.0", `${BUNDLE_YAML.replace(/content: .*\n/, "")}remove: true\n`);
  const { out } = await fleet.skerry("bundle", "ls");
  expect(out.map((line) => line.split(/\s+/).slice(0, 2))).toEqual([
    ["pos@2.0.0", "1.3"],
    ["pos@1.5.0", "1.2"],
    ["pos@1.4.2", "1.1"],
  ]);
});
