import { execFile, execFileSync } from "node:child_process";
import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BuiltFile } from "../../hub/build/manifests.ts";
import { namespaced } from "../../hub/build/namespaced.ts";
import type { Bundle } from "../../shared/bundle.ts";
import { type FleetFixture, fleetFixture } from "../hub/build/fixture.ts";
import { examplesOf } from "../support/doc-examples.ts";
import { findBinaries } from "./binaries.ts";
import { findBuildTools } from "./build-tools.ts";
import { sitesOfThisRun } from "./sites.ts";

const GIT = execFileSync("sh", ["-c", "command -v git"]).toString().trim();
const PATH = process.env["PATH"] ?? "";
const fleets: FleetFixture[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(fleets.splice(0).map((fleet) => fleet.remove()));
});

/** A bundle of these files, and what a build of it gives with only these tools on the PATH. */
async function build(files: Record<string, string>, tools: Record<string, string>) {
  const fleet = await fleetFixture();
  fleets.push(fleet);
  fleet.git("rm", "-r", "--quiet", "bundles");
  for (const [path, text] of Object.entries(files)) await fleet.write(path, text);
  fleet.commit("content");
  // The address of `origin` goes into the manifest.
  fleet.git("remote", "set-url", "origin", "https://git.example.com/fleet.git");
  const bin = join(fleet.base, "bin");
  await mkdir(bin);
  for (const [name, file] of Object.entries({ git: GIT, ...tools })) await symlink(file, join(bin, name));
  vi.stubEnv("PATH", bin);
  const { code, out, err } = await fleet.skerry("bundle", "build", "bundles/pos");
  vi.stubEnv("PATH", PATH);
  const body = code === 0 ? await readFile(out[1] ?? "", "utf8") : "{}";
  const manifest = JSON.parse(body) as Bundle;
  const objects = await Promise.all(
    (manifest.files ?? []).map(async ({ path }) => {
      return JSON.parse(await readFile(join(out[1] ?? "", "../files", path), "utf8"));
    }),
  );
  await rm(bin, { recursive: true });
  return { err, body, manifest, objects };
}

function exampleOf(section: string): Record<string, string> {
  const found = examplesOf("build.md").find((each) => each.section === section);
  if (found === undefined) throw new Error(`docs/build.md has no section ${section}`);
  return found.files;
}

let kustomize: string;
let helm: string;
beforeEach(async ({ skip }) => {
  const tools = await findBuildTools();
  if ("cannotRun" in tools) return skip(tools.cannotRun);
  kustomize = join(tools.folder, "kustomize");
  helm = join(tools.folder, "helm");
}, 1_200_000);

describe("kustomize", () => {
  const files = exampleOf("Kustomize");

  test("docs/build.md, Kustomize: builds, with the version recorded", async () => {
    const { err, manifest, objects } = await build(files, { kustomize });
    expect(err).toEqual([]);
    expect(manifest.source.inputs).toEqual({ kustomize: "v5.8.2" });
    expect(objects).toEqual([
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "till", namespace: "shop" },
        data: { greeting: "welcome" },
      },
    ]);
  });

  test("gives the same bytes to somebody with other surroundings", async () => {
    const one = await build(files, { kustomize });
    vi.stubEnv("TZ", "Pacific/Kiritimati");
    vi.stubEnv("LANG", "tr_TR.UTF-8");
    vi.stubEnv("KUSTOMIZE_PLUGIN_HOME", "/nowhere");
    expect((await build(files, { kustomize })).body).toBe(one.body);
  });

  test("the one inside kubectl is recorded under its own version", async () => {
    const { kubectl } = await findBinaries();
    const { err, manifest, objects } = await build(files, { kubectl });
    expect(err).toEqual([]);
    expect(manifest.source.inputs["kustomize"]).toMatch(/^v5\.\d+\.\d+$/);
    expect(objects).toHaveLength(1);
  });

  test("a repository in a form that only kustomize knows is not fetched either", async () => {
    const remote = { "bundles/pos/base/kustomization.yaml": "resources: ['deploy@git.invalid:a/b']\n" };
    const { err } = await build({ ...files, ...remote }, { kustomize });
    expect(err).toEqual([expect.stringMatching(/^config: kustomize build failed .*transport 'ssh' not allowed/)]);
    expect(err[0]).not.toContain("/tmp/skerry-build-");
  });
});

describe("helm", () => {
  const files = exampleOf("Helm");
  const template = (text: string) => ({ ...files, "bundles/pos/chart/templates/more.yaml": text });

  test("docs/build.md, Helm: builds, with the versions recorded", async () => {
    const { err, manifest, objects } = await build(files, { helm });
    expect(err).toEqual([]);
    expect(manifest.source.inputs).toEqual({ helm: "v4.3.1", kubernetes: "v1.36.0" });
    expect(objects).toEqual([
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "pos-till", namespace: "shop" },
        data: { greeting: "welcome" },
      },
    ]);
  });

  test("a chart learns the same of the cluster on every machine, and finds nothing in it", async () => {
    const asks = template(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: asks }\ndata:\n  kube: {{ .Capabilities.KubeVersion }}\n  namespace: {{ .Release.Namespace }}\n  found: {{ lookup "v1" "Namespace" "" "default" | toJson | quote }}\n',
    );
    const one = await build(asks, { helm });
    expect(one.err).toEqual([]);
    expect(one.objects.find(({ metadata }) => metadata.name === "asks").data).toEqual({
      kube: "v1.36.0",
      namespace: "shop",
      found: "{}",
    });
    vi.stubEnv("KUBECONFIG", (await sitesOfThisRun())[0]?.kubeconfig ?? "");
    vi.stubEnv("HELM_NAMESPACE", "bank");
    vi.stubEnv("TZ", "Pacific/Kiritimati");
    expect((await build(asks, { helm })).body).toBe(one.body);
  });

  test("hooks are refused by name, a test is left out, and what is made up is refused", async () => {
    const hook = (on: string) =>
      template(`apiVersion: v1\nkind: ConfigMap\nmetadata: { name: h, annotations: { "helm.sh/hook": ${on} } }\n`);
    expect((await build(hook("pre-upgrade"), { helm })).err[0]).toMatch(
      /^unsupported: hooks of Helm are not run: pre-upgrade \(bundles\/pos\/chart\/templates\/more\.yaml v1 ConfigMap h\)/,
    );
    const tested = await build(hook("test"), { helm });
    expect([tested.objects.length, tested.err]).toEqual([
      1,
      [expect.stringMatching(/more\.yaml.* is a test of Helm's/)],
    ]);
    const random = template(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: r }\ndata: { a: {{ randAlphaNum 9 | quote }} }\n",
    );
    expect((await build(random, { helm })).err[0]).toMatch(
      /^unsupported: bundles\/pos\/chart\/templates\/more\.yaml gives something else each time/,
    );
  });

  test("its own words where a template fails, with the commit's paths", async () => {
    const { err } = await build(template('{{ fail "no greeting" }}'), { helm });
    expect(err[0]).toMatch(
      /^config: helm template failed .*no greeting.*\(bundles\/pos\/bundle\.yaml:5 \/content\/helm\)/,
    );
    expect(err[0]).not.toContain("/tmp/");
  });

  test("a dependency that is not committed is not fetched", async () => {
    const chart = `${files["bundles/pos/chart/Chart.yaml"]}dependencies: [{ name: redis, version: 1.0.0, repository: "https://example.invalid" }]\n`;
    const { err } = await build({ ...files, "bundles/pos/chart/Chart.yaml": chart }, { helm });
    expect(err[0]).toMatch(/^config: helm template failed .*redis/);
  });
});

test("what is known of Kubernetes' own kinds is what its API server says", async () => {
  const { kubectl } = await findBinaries();
  const [site] = await sitesOfThisRun();
  const args = ["--kubeconfig", site?.kubeconfig ?? "", "api-resources", "--no-headers"];
  const { stdout } = await promisify(execFile)(kubectl, args);
  const kinds = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).slice(-3))
    .map(([apiVersion = "", isNamespaced, kind = ""]) => ({ apiVersion, kind, wanted: isNamespaced === "true" }));
  const custom = /^(?!v1\/|[a-z]+\/|[a-z.]+\.k8s\.io\/)/;
  // Reviews are asked, never kept.
  const own = kinds.filter(({ apiVersion, kind }) => !custom.test(`${apiVersion}/`) && !kind.endsWith("Review"));
  expect(own.length).toBeGreaterThan(50);
  const wrong = own.filter(({ apiVersion, kind, wanted }) => {
    const object = { apiVersion, kind, metadata: { name: "a" } };
    const file: BuiltFile = { path: "a.json", bytes: new Uint8Array(), object, where: () => "" };
    return (namespaced([file], "shop")[0]?.object.metadata["namespace"] === "shop") !== wanted;
  });
  expect(wrong).toEqual([]);
});
