import { afterAll, beforeAll, expect, test } from "vitest";
import { readBundleSource } from "../../../hub/build/bundle-source.ts";
import type { History } from "../../../hub/build/history.ts";
import { checkRequires } from "../../../hub/build/requires.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import { BUNDLE_YAML, type FleetFixture, fleetFixture } from "./fixture.ts";

let fleet: FleetFixture;
beforeAll(async () => {
  fleet = await fleetFixture();
});
afterAll(() => fleet.remove());

const yaml = (name: string, ...needs: readonly string[]) => {
  const lines = needs.map((bundle) => `  - { bundle: ${bundle}, atLeast: 1.0.0 }\n`);
  const own = BUNDLE_YAML.replace("name: pos", `name: ${name}`);
  return lines.length === 0 ? own : `${own}requires:\n${lines.join("")}`;
};

type Bundles = Readonly<Record<string, readonly string[]>>;

/** What building `pos` from a commit with these bundles says; `published`: what the newest versions of others need. */
async function checked(committed: Bundles, published: Bundles = {}): Promise<string> {
  for (const [name, needs] of Object.entries(committed))
    await fleet.write(`bundles/${name}/bundle.yaml`, yaml(name, ...needs));
  fleet.commit("bundles");
  const treeish = fleet.git("rev-parse", "HEAD").trim();
  const historyOf = async (name: string): Promise<History> => {
    const requires = (published[name] ?? []).map((bundle) => ({ bundle, atLeast: "1.0.0" }));
    const manifest = { version: "3.2.1", requires } as Partial<Bundle> as Bundle;
    const versions = name in published ? [{ commit: treeish, digest: "", manifest }] : [];
    return { head: null, versions, earlier: [] };
  };
  const source = readBundleSource(yaml("pos", ...(committed["pos"] ?? [])), "bundles/pos/bundle.yaml");
  const folder = { folder: fleet.folder, treeish, path: "bundles/pos" };
  const done = checkRequires(folder, source, historyOf).then(
    () => "fine",
    (error: Error & { where?: string }) => `${error.message} (${error.where})`,
  );
  const said = await done;
  fleet.git("rm", "-r", "--quiet", ...Object.keys(committed).map((name) => `bundles/${name}`));
  return said;
}

test("a circle over three bundles is refused, each link with its line", async () => {
  expect(await checked({ pos: ["paper", "base"], paper: [], base: ["net"], net: ["base", "pos"] })).toBe(
    "its requirements go in a circle: pos requires base (bundles/pos/bundle.yaml:8 /requires/1), " +
      "base requires net (bundles/base/bundle.yaml:7 /requires/0), net requires pos (bundles/net/bundle.yaml:8 /requires/1)" +
      " (bundles/pos/bundle.yaml:8 /requires/1)",
  );
});

test("a circle by way of a bundle that is only published is refused, by its newest version", async () => {
  expect(await checked({ pos: ["base"] }, { base: ["net"], net: ["pos"] })).toContain(
    "base requires net (base@3.2.1), net requires pos (net@3.2.1)",
  );
});

test("what the commit says of a bundle counts before what was published of it", async () => {
  expect(await checked({ pos: ["base"], base: [] }, { base: ["pos"] })).toBe("fine");
});

test("what many need is no circle, nor is a circle of others that this one only leads to", async () => {
  expect(await checked({ pos: ["a", "b"], a: ["net"], b: ["net"], net: [] })).toBe("fine");
  expect(await checked({ pos: ["a"], a: ["b"], b: ["a"] })).toBe("fine");
});

test("`skerry bundle build` refuses it", async () => {
  for (const [name, needs] of Object.entries({ pos: ["base"], base: ["pos"] }))
    await fleet.write(`bundles/${name}/bundle.yaml`, yaml(name, ...needs));
  await fleet.write(
    "bundles/pos/manifests/a.yaml",
    "{ apiVersion: v1, kind: ConfigMap, metadata: { name: a, namespace: shop } }",
  );
  fleet.commit("a circle");
  const { code, err } = await fleet.skerry("bundle", "build", "bundles/pos");
  expect([code, err.length]).toEqual([1, 1]);
  expect(err[0]).toContain("its requirements go in a circle: pos requires base");
});
