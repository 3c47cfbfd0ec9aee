import { readFileSync, symlinkSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findTool, runTool } from "../../../hub/build/tool.ts";
import { BUNDLE_YAML, type FleetFixture, fleetFixture } from "./fixture.ts";
import { type Toolbox, toolbox } from "./toolbox.ts";

const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: shop }\n";
const KUSTOMIZE = `if [ "$1" = version ]; then echo v5.8.2; exit; fi\n/bin/cat "$2/out.yaml"`;
const HELM = `if [ "$1" = version ]; then echo v4.3.1; exit; fi\n/bin/cat "$3/out.yaml"`;
const SOURCE = "bundles/pos/bundle.yaml";

let fleet: FleetFixture;
let tools: Toolbox;
beforeAll(async () => {
  fleet = await fleetFixture();
  tools = await toolbox(fleet.base);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await fleet.remove();
});

/** Builds with this content and these files, and takes the commit away again. */
async function build(content: string, files: Record<string, string> = {}) {
  const before = fleet.git("rev-parse", "HEAD").trim();
  await fleet.write(SOURCE, BUNDLE_YAML.replace(/content: .*/, `content: ${content}`));
  for (const [file, text] of Object.entries(files)) await fleet.write(`bundles/pos/${file}`, text);
  fleet.commit("content");
  const { code, out, err } = await fleet.skerry("bundle", "build", "bundles/pos");
  const staged = code === 0 ? readFileSync(out[1] ?? "", "utf8") : "{}";
  fleet.git("reset", "--quiet", "--hard", before);
  return { code, err, manifest: JSON.parse(staged) };
}

describe("kustomize", () => {
  const content = "{ kustomize: . }";
  const files = { "kustomization.yaml": "resources: [out.yaml]\n", "out.yaml": CONFIG_MAP };

  test("runs on the commit's files and its version is recorded", async () => {
    await tools.put("kustomize", KUSTOMIZE);
    const { manifest, err } = await build(content, files);
    expect(err).toEqual([]);
    expect(manifest.source.inputs).toEqual({ kustomize: "v5.8.2" });
    expect(manifest.files.map(({ path }: { path: string }) => path)).toEqual(["00-configmap-a.json"]);
  });

  test("the one inside kubectl does as well, under the same name", async () => {
    await tools.take("kustomize");
    await tools.put(
      "kubectl",
      `if [ "$1" = version ]; then echo "Client Version: v1.36.3"; echo "Kustomize Version: v5.8.2"; exit; fi\n/bin/cat "$2/out.yaml"`,
    );
    const { manifest } = await build(content, files);
    expect(manifest.source.inputs).toEqual({ kustomize: "v5.8.2" });
    await tools.take("kubectl");
  });

  test("a missing one is named, with where to get it", async () => {
    const { err } = await build(content, files);
    expect(err).toEqual([
      expect.stringMatching(/^config: neither kustomize nor kubectl is on the PATH \(.*yaml:4 .*; install kustomize/),
    ]);
  });

  test.each([
    [
      "its own words where it fails",
      'echo "no such base: $2/x" >&2; exit 1',
      /exit code 1\): no such base: bundles\/pos\/x/,
    ],
    ["what is no YAML", "echo '{ broken: ['", /^malformed: not YAML/],
    ["what is no object", "echo 'just: text'", /^malformed: not a Kubernetes object/],
    ["nothing at all", "exit 0", /^config: there is no object in it/],
    ["a death", "kill -9 $$", /failed \(SIGKILL\)/],
  ])("%s", async (_, script, words) => {
    await tools.put("kustomize", `if [ "$1" = version ]; then echo v5.8.2; exit; fi\n${script}`);
    const { code, err } = await build(content, files);
    expect([code, err]).toEqual([1, [expect.stringMatching(words)]]);
    expect(err[0]).not.toContain("/tmp/");
  });

  test("one that does not say its version is not used", async () => {
    await tools.put("kustomize", 'echo "(devel)"');
    const { err } = await build(content, files);
    expect(err).toEqual([expect.stringMatching(/^config: kustomize does not say which version it is: \(devel\)/)]);
  });

  test("what it complains of is a warning", async () => {
    await tools.put("kustomize", `${KUSTOMIZE}\necho "# Warning: 'bases' is deprecated" >&2`);
    const { code, err } = await build(content, files);
    expect([code, err]).toEqual([0, ["warning: bundles/pos kustomize: # Warning: 'bases' is deprecated"]]);
  });

  test("it gets no credentials and no settings of the person who builds", async () => {
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
    vi.stubEnv("KUBECONFIG", "/home/ada/.kube/config");
    const script = `${CONFIG_MAP}data:\n`.replaceAll("\n", "\\n");
    await tools.put(
      "kustomize",
      `if [ "$1" = version ]; then echo v5.8.2; exit; fi\nprintf '${script}'\n/usr/bin/env | while read -r line; do echo "# $line"; done\n/usr/bin/env | while IFS== read -r key value; do echo "  $key: 'x'"; done`,
    );
    const seen: string[] = [];
    await build(content, files).then(async ({ err, manifest }) => {
      expect(err).toEqual([]);
      const path = join(fleet.folder, ".skerry/pos/1.4.2/files", manifest.files[0].path);
      const { data } = JSON.parse(readFileSync(path, "utf8"));
      seen.push(...Object.keys(data));
    });
    expect(seen).not.toContain("AWS_SECRET_ACCESS_KEY");
    expect(seen.filter((key) => !/^(?:HELM_|XDG_|GIT_|.*_PROXY$)/.test(key)).toSorted()).toEqual([
      "HOME",
      "KUBECONFIG",
      "LC_ALL",
      "PATH",
      "PWD",
      "TMPDIR",
      "TZ",
      ...(seen.includes("_") ? ["_"] : []),
    ]);
  });

  test.each([
    "resources: [out.yaml, 'https://example.com/x.yaml']",
    "resources:\n  - github.com/argoproj/argo-cd/manifests",
    "components: ['git@example.com:a/b.git']",
    "patches: [{ path: 'http://example.com/p.yaml' }]",
    "bases: ['../../base?ref=v1']",
  ])("a base on another machine is refused before anything runs: %s", async (text) => {
    await tools.put("kustomize", "echo started >&2; exit 1");
    const { err } = await build(content, { ...files, "overlay/kustomization.yaml": `namespace: shop\n${text}\n` });
    expect(err).toEqual([
      expect.stringMatching(
        /^unsupported: .* lies on another machine \(bundles\/pos\/overlay\/kustomization\.yaml:[23]\)/,
      ),
    ]);
  });

  test.each(["../../base", "../../../../etc", "/etc"])(
    "nor is one around the bundle's folder taken: %s",
    async (base) => {
      await tools.put("kustomize", "echo started >&2; exit 1");
      const { err } = await build(content, { ...files, "overlay/kustomization.yaml": `resources: ["${base}"]\n` });
      expect(err[0]).toMatch(
        base === "/etc" ? /^config: / : /^unsupported: .* lies outside the bundle's folder \(.*overlay/,
      );
    },
  );

  test("a link is not followed", async () => {
    await fleet.write("bundles/pos/x", "");
    symlinkSync("/etc/passwd", join(fleet.folder, "bundles/pos/link"));
    const { err } = await build(content, files);
    expect(err).toEqual([expect.stringMatching(/^unsupported: symbolic links .*\(bundles\/pos\/link\)/)]);
  });
});

describe("helm", () => {
  const content = "{ helm: chart, values: values.yaml, namespace: shop }";
  const rendered = (text: string) => `---\n# Source: till/templates/a.yaml\n${text}`;
  const files = (text: string) => ({
    "chart/Chart.yaml": "apiVersion: v2\nname: till\nversion: 1.0.0\n",
    "chart/out.yaml": rendered(text),
    "values.yaml": "{}\n",
  });
  const noNamespace = CONFIG_MAP.replace(", namespace: shop", "");

  test("version and what it is told of the cluster are recorded; objects get the namespace", async () => {
    await tools.put("helm", `echo "$@" >> ${fleet.base}/calls\n${HELM}`);
    const { manifest, err } = await build(content, files(noNamespace));
    expect(err).toEqual([]);
    expect(manifest.source.inputs).toEqual({ helm: "v4.3.1", kubernetes: "v1.36.0" });
    const object = readFileSync(join(fleet.folder, ".skerry/pos/1.4.2/files/00-configmap-a.json"), "utf8");
    expect(JSON.parse(object).metadata).toEqual({ name: "a", namespace: "shop" });
    const calls = readFileSync(join(fleet.base, "calls"), "utf8").split("\n");
    expect(calls[1]).toMatch(
      /^template pos \S+\/chart --include-crds --kube-version v1\.36\.0 --namespace shop --values \S+\/values\.yaml$/,
    );
  });

  test("hooks are refused, each by name; tests of Helm's are left out", async () => {
    const hook = (name: string, on: string) =>
      `${noNamespace.replace("name: a", `name: ${name}, annotations: { helm.sh/hook: "${on}" }`)}---\n# Source: till/templates/${name}.yaml\n`;
    await tools.put("helm", HELM);
    const tested = await build(content, files(hook("t", "test") + noNamespace));
    expect(tested.err).toEqual([
      "warning: bundles/pos/chart/templates/a.yaml v1 ConfigMap t is a test of Helm's, left out",
    ]);
    expect(tested.manifest.files).toHaveLength(1);
    const { err } = await build(
      content,
      files(hook("mm", "pre-install,pre-upgrade") + hook("nn", "post-install") + noNamespace),
    );
    expect(err[0]).toMatch(
      /^unsupported: hooks of Helm are not run: pre-install,pre-upgrade \(\S+a\.yaml v1 ConfigMap mm\), post-install \(\S+mm\.yaml v1 ConfigMap nn\)/,
    );
  });

  test("a chart that gives something else each time is refused; one that asks for the time is warned of", async () => {
    await tools.put("helm", `${HELM}\n[ "$1" = version ] || echo "data: { password: \\"$$\\" }"`);
    const { err } = await build(content, files(noNamespace));
    expect(err).toEqual([
      expect.stringMatching(/^unsupported: bundles\/pos\/chart\/templates\/a\.yaml gives something else each time/),
    ]);
    await tools.put("helm", HELM);
    const asked = await build(content, {
      ...files(noNamespace),
      "chart/templates/a.yaml": 'a: 1\n{{/* not now */}}\nb: {{ now | date "2006" }}\n',
    });
    expect(asked.err).toEqual([
      expect.stringMatching(/^warning: bundles\/pos\/chart\/templates\/a\.yaml:3 asks for the time/),
    ]);
  });

  test("what the commit does not have is named", async () => {
    const { "values.yaml": _, ...others } = files(noNamespace);
    expect((await build(content, others)).err[0]).toMatch(
      /^config: the commit has no bundles\/pos\/values\.yaml \(.*:4 \/content\/values\)/,
    );
    expect((await build("{ helm: redis, namespace: shop }")).err[0]).toMatch(/helm pull --untar/);
  });

  test("a missing helm is named, with where to get it", async () => {
    await tools.take("helm");
    const { err } = await build(content, files(noNamespace));
    expect(err).toEqual([
      expect.stringMatching(/^config: helm is not on the PATH \(.*:4 \/content\/helm\); install it/),
    ]);
  });
});

describe("a tool that misbehaves", () => {
  const limits = { deadlineMs: 300, maxBytes: 1_000_000 };
  const run = async (script: string) => {
    await tools.put("tool", script);
    return await runTool({ file: (await findTool(["tool"])) ?? "", args: ["go"], home: fleet.base, limits });
  };

  test("hangs: it is ended at its deadline", async () => {
    await expect(run("exec /bin/sleep 600")).rejects.toMatchObject({
      code: "config",
      message: "tool go did not end within 0.3 s",
    });
  });

  test("prints without an end: it is ended at the cap, long before a gigabyte", async () => {
    const before = process.memoryUsage().rss;
    await expect(run("exec /usr/bin/yes")).rejects.toMatchObject({
      message: "tool go printed more than 1000000 bytes",
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });

  test("cannot be started", async () => {
    await tools.put("tool", "");
    const file = join(fleet.base, "bin/tool");
    await chmod(file, 0o644);
    expect(await findTool(["tool"])).toBeNull();
    await expect(runTool({ file, args: ["go"], home: fleet.base })).rejects.toMatchObject({ code: "config" });
  });

  test("lies in a folder that PATH names relatively: it is not found", async () => {
    await tools.put("tool", "");
    expect(await findTool(["tool"], ".:bin:")).toBeNull();
  });
});
