import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, TILL_YAML } from "../build/fixture.ts";

let fleet: FleetFixture;
let digests: string[];
beforeAll(async () => {
  fleet = await fleetFixture();
  await buildAndSign(fleet, "1.4.2");
  await fleet.skerry("bundle", "publish", "pos@1.4.2");
  await fleet.write("bundles/pos/bundle.yaml", `${BUNDLE_YAML.replace("1.4.2", "1.5.0")}prune: { share: 30% }\n`);
  const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: new, namespace: shop }\n";
  const changed = TILL_YAML.replace("replicas: 2", "replicas: 3").replace("/till:1.4.2", "/till:1.5.0");
  await fleet.write("bundles/pos/manifests/till.yaml", `${changed.slice(0, changed.indexOf("---"))}---\n${config}`);
  fleet.commit("1.5.0");
  await fleet.skerry("bundle", "build", "bundles/pos");
  await fleet.skerry("bundle", "sign", "pos@1.5.0", "--key", "../ada");
  await fleet.skerry("bundle", "sign", "pos@1.5.0", "--key", "../eve", "--as", "bob");
  digests = await Promise.all(
    ["1.5.0", "1.4.2"].map(async (version) => {
      return JSON.parse((await fleet.skerry("bundle", "show", `pos@${version}`, "-o", "json")).out[0] ?? "").digest;
    }),
  );
});
afterAll(() => fleet.remove());

test("ls: what is built stands before what is published", async () => {
  const lines = [
    `pos@1.5.0  1.2  sha256:${digests[0]?.slice(0, 12)}  built`,
    `pos@1.4.2  1.1  sha256:${digests[1]?.slice(0, 12)}  published`,
  ];
  expect(await fleet.skerry("bundle", "ls")).toEqual({ code: 0, out: lines, err: [] });
  expect((await fleet.skerry("bundle", "ls", "pos")).out).toEqual(lines);
  expect((await fleet.skerry("bundle", "ls", "other")).out).toEqual([]);
});

describe("show", () => {
  test("says what it is, who signed it and from which commit; a stranger's signature does not count", async () => {
    const published = (await fleet.skerry("bundle", "show", "pos@1.4.2")).out;
    expect(published).toContain("version    pos@1.4.2 1.1, published");
    expect(published).toContain("signed by  ada, bob (2 needed under root 1)");
    expect(published.join("\n")).toMatch(/^commit {5}[0-9a-f]{40} bundles\/pos of \//m);
    expect(published).toContain("file       00-deployment-till.json (359 bytes)");
    const built = (await fleet.skerry("bundle", "show", "pos@1.5.0")).out;
    expect(built).toContain("version    pos@1.5.0 1.2, built");
    expect(built).toContain("signed by  ada (2 needed under root 1)");
  });

  test("-o json gives the manifest as it is signed", async () => {
    const { out } = await fleet.skerry("bundle", "show", "pos@1.5.0", "-o", "json");
    const shown = JSON.parse(out[0] ?? "");
    expect(shown).toMatchObject({ state: "built", signedBy: { keys: ["ada"], threshold: 2 } });
    const file = join(fleet.folder, ".skerry/pos/1.5.0/bundle.json");
    expect(shown.manifest).toEqual(JSON.parse(await readFile(file, "utf8")));
  });

  test("of what is nowhere says how to get it", async () => {
    expect(await fleet.skerry("bundle", "show", "pos@9.9.9")).toMatchObject({
      code: 1,
      err: [expect.stringMatching(/^not-found: pos@9\.9\.9/)],
    });
  });
});

test("render: what a site applies, by its signed record", async () => {
  expect(await fleet.skerry("bundle", "render", "pos@1.4.2", "--site", "s-0017")).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/^not-found: /)],
  });
  await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
  const metadata = { labels: { "skerry.dev/bundle": "pos" }, name: "till", namespace: "shop" };
  const labels = { app: "till" };
  const containers = [{ image: `registry.example.com/till:1.4.2@sha256:${"a1".repeat(32)}`, name: "till" }];
  const template = { metadata: { labels }, spec: { containers } };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template };
  const objects = [
    { apiVersion: "apps/v1", kind: "Deployment", metadata, spec },
    { apiVersion: "v1", data: { greeting: "yes" }, kind: "ConfigMap", metadata },
  ];
  const out = objects.map((object) => JSON.stringify(object));
  expect(await fleet.skerry("bundle", "render", "pos@1.4.2", "--site", "s-0017")).toEqual({ code: 0, out, err: [] });
  // What a site would refuse is refused here, too.
  expect(await fleet.skerry("bundle", "render", "pos@1.5.0", "--site", "s-0017")).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/^threshold: /)],
  });
});

test("diff: object by object, field by field", async () => {
  const image = (version: string) => `"registry.example.com/till:${version}@sha256:${"a1".repeat(32)}"`;
  expect((await fleet.skerry("bundle", "diff", "pos@1.4.2", "pos@1.5.0")).out).toEqual([
    "~ apps/v1 Deployment shop/till",
    "    /spec/replicas: 2 -> 3",
    `    /spec/template/spec/containers/0/image: ${image("1.4.2")} -> ${image("1.5.0")}`,
    "~ bundle.json",
    '    /prune/share: "50%" -> "30%"',
    "+ v1 ConfigMap shop/new",
    "- v1 ConfigMap shop/till",
  ]);
  expect((await fleet.skerry("bundle", "diff", "pos@1.4.2", "pos@1.4.2")).out).toEqual(["nothing differs"]);
});

describe("init", () => {
  test("writes what builds as it is, and never over what is there", async () => {
    const before = fleet.git("rev-parse", "HEAD").trim();
    fleet.git("rm", "-r", "--quiet", "bundles/pos");
    expect((await fleet.skerry("bundle", "init", "pos")).out).toEqual([
      "bundles/pos/manifests/hello.yaml",
      "bundles/pos/bundle.yaml",
    ]);
    fleet.commit("begun");
    expect(await fleet.skerry("bundle", "build", "bundles/pos")).toMatchObject({ code: 0, err: [] });
    expect((await fleet.skerry("bundle", "init", "pos")).code).toBe(2);
    fleet.git("reset", "--quiet", "--hard", before);
  });

  test("one that was cut off is begun anew; a person's own file is left as it is", async () => {
    const before = fleet.git("rev-parse", "HEAD").trim();
    fleet.git("rm", "-r", "--quiet", "bundles/pos");
    await fleet.skerry("bundle", "init", "pos");
    await rm(join(fleet.folder, "bundles/pos/bundle.yaml"));
    await fleet.write("bundles/pos/.bundle.yaml.unfinished", "kind: Bund");
    expect((await fleet.skerry("bundle", "init", "pos")).code).toBe(0);
    await rm(join(fleet.folder, "bundles/pos/bundle.yaml"));
    await fleet.write("bundles/pos/manifests/hello.yaml", "# mine\n");
    expect((await fleet.skerry("bundle", "init", "pos")).code).toBe(2);
    await rm(join(fleet.folder, "bundles/pos"), { recursive: true });
    fleet.git("reset", "--quiet", "--hard", before);
  });

  test("a name that the root delegates to nobody, and one that is none", async () => {
    expect((await fleet.skerry("bundle", "init", "other")).err).toEqual([expect.stringMatching(/^undelegated:/)]);
    expect((await fleet.skerry("bundle", "init", "../x")).code).toBe(2);
  });

  test("every key that its comments show is one that builds", async () => {
    const before = fleet.git("rev-parse", "HEAD").trim();
    fleet.git("rm", "-r", "--quiet", "bundles/pos");
    await fleet.skerry("bundle", "init", "pos");
    const text = await readFile(join(fleet.folder, "bundles/pos/bundle.yaml"), "utf8");
    const keys = text.replaceAll(/^# (?=(?:variables|checks|requires|floor|plainSecrets|overlays):| {2})/gm, "");
    await fleet.write("bundles/pos/bundle.yaml", keys);
    await fleet.write(
      "bundles/pos/overlays/north.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: pos, namespace: shop }\ndata: { region: '${REGION} ${REPLICAS}' }\n",
    );
    fleet.commit("all of it");
    expect(await fleet.skerry("bundle", "build", "bundles/pos")).toMatchObject({ code: 0, err: [] });
    fleet.git("reset", "--quiet", "--hard", before);
  });
});
