import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BUNDLE_NAMESPACE } from "../../../shared/bundle.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { Delegation } from "../../../shared/root.ts";

const execute = promisify(execFile);

/** The operator's side of the demo: a fleet repository, made and changed with `git`, `ssh-keygen` and `skerry` only. */
export interface Fleet {
  /** The operator's checkout. */
  dir: string;
  bare: string;
  rootDigest: string;
  /** Folder of the operators' private keys. */
  keys: string;
  signSite(site: { id: string; labels: Record<string, string>; reportKey: string }): Promise<void>;
  publishTrust(): Promise<void>;
  /** Builds, signs and publishes one version of `pos`. */
  release(version: Release): Promise<void>;
  /** Builds and signs a version (as `key`) without publishing it; the files as they would lie in its commit. */
  forge(version: Release & { key: string }): Promise<Record<string, Uint8Array>>;
  /** Changes `version` in rollouts/pos.yaml, which is the deployment. */
  deploy(version: string): Promise<void>;
  git(...args: string[]): Promise<string>;
}

export interface Release {
  version: string;
  greeting: string;
  stuck?: boolean;
  /** Left out: `skerry bundle sign`. Both make the same kind of signature. */
  signWith?: "ssh-keygen";
}

/** What the root of the story lets its one bundle do. */
export const DELEGATION: Delegation = {
  pattern: "pos",
  keys: ["pos"],
  threshold: 1,
  epoch: 1,
  namespaces: ["shop"],
  kinds: ["*"],
  podSecurity: "restricted",
};

/** `registry.example` is never asked for anything: the lab's kubelet pulls no images. */
const IMAGE = `registry.example/till:1@sha256:${"1".repeat(64)}`;

export async function makeFleet(options: {
  dir: string;
  bare: string;
  url: string;
  hubUrl: string;
  skerry: string;
  rollout: string;
}): Promise<Fleet> {
  const { dir, bare, url, hubUrl, skerry } = options;
  const keys = join(dir, "..", "keys");
  mkdirSync(keys, { recursive: true });
  for (const key of ["root", "site", "assign", "pos", "stranger"]) {
    await execute("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", join(keys, key)]);
  }
  await execute("git", ["clone", "--quiet", url, dir]);
  const git = async (...args: string[]) => (await execute("git", ["-C", dir, ...args])).stdout.trim();
  const run = (...args: string[]) => execute(process.execPath, [skerry, ...args], { cwd: dir });
  const put = (path: string, text: string) => {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const commit = async (words: string) => {
    await git("add", "-A");
    await git("commit", "--quiet", "-m", words);
    await git("push", "--quiet", "origin", "HEAD:main");
  };
  const build = async ({ version, greeting, stuck = false }: Release) => {
    put("bundles/pos/bundle.yaml", bundleYaml(version));
    put("bundles/pos/manifests/till.yaml", manifests(greeting, stuck));
    await commit(`pos ${version}`);
    await run("bundle", "build", "bundles/pos");
  };
  /** Leaves the signature under the name of the key that the root names, whichever key made it. */
  const signWithStockTools = async (version: string, key: string) => {
    const staged = join(dir, ".skerry/pos", version);
    const file = join(staged, "bundle.json");
    await execute("ssh-keygen", ["-Y", "sign", "-q", "-n", BUNDLE_NAMESPACE, "-f", join(keys, key), file]);
    renameSync(`${file}.sig`, `${file}.pos.sig`);
    return staged;
  };
  await git("checkout", "-q", "-B", "main");
  await git("config", "user.name", "Operator");
  await git("config", "user.email", "operator@example.com");

  put("root.yaml", rootYaml(hubUrl, keys));
  await run("root", "init", "--from", "root.yaml");
  await run("root", "sign", "--key", join(keys, "root"));
  await commit("The root of trust");

  return {
    dir,
    bare,
    keys,
    rootDigest: sha256Hex(readFileSync(join(dir, "root/1.json"))),
    git,
    signSite: async ({ id, labels, reportKey }) => {
      const draft = `sites/${id}.yaml`;
      put(draft, `id: ${id}\nlabels: ${JSON.stringify(labels)}\nbundles: [pos]\nreportKeys: ["${reportKey}"]\n`);
      await run("site", "sign", draft, "--key", join(keys, "site"));
    },
    publishTrust: async () => {
      await commit("Site records");
      await run("publish");
    },
    release: async (release) => {
      await build(release);
      if (release.signWith === "ssh-keygen") await signWithStockTools(release.version, "pos");
      else await run("bundle", "sign", `pos@${release.version}`, "--key", join(keys, "pos"));
      await run("bundle", "publish", `pos@${release.version}`);
    },
    forge: async ({ key, ...release }) => {
      await build(release);
      const staged = await signWithStockTools(release.version, key);
      return filesBelow(staged);
    },
    deploy: async (version) => {
      put("rollouts/pos.yaml", options.rollout.replace("VERSION", version));
      await commit(`Deploy pos ${version}`);
    },
  };
}

function rootYaml(hubUrl: string, folder: string): string {
  const keys = ["root", "site", "assign", "pos"].map((name) => `  ${name}: ${join(folder, `${name}.pub`)}\n`).join("");
  return `fleet: demo
keys:
${keys}roles:
  root: { keys: [root], threshold: 1 }
  site: { keys: [site], threshold: 1 }
  assign: { keys: [assign], threshold: 1 }
hubs:
  - { url: "${hubUrl}", ca: "" }
bundles:
  - ${JSON.stringify(DELEGATION)}
`;
}

function bundleYaml(version: string): string {
  return `kind: BundleSource/v1
name: pos
version: ${version}
content: { manifests: manifests }
scope: [{ sites: {} }]
health: { holdFor: 1s, deadline: 6s }
`;
}

function manifests(greeting: string, stuck: boolean): string {
  return `apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: till, namespace: shop }
data: { greeting: "${greeting}" }
---
apiVersion: v1
kind: Service
metadata: { name: till, namespace: shop }
spec:
  selector: { app: till }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: till, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: till } }
  template:
    metadata:
      labels: { app: till${stuck ? ", skerry.dev/test: stuck" : ""} }
      annotations: { greeting: "${greeting}" }
    spec:
      securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: till
          image: ${IMAGE}
          ports: [{ containerPort: 8080 }]
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
`;
}

function filesBelow(folder: string): Record<string, Uint8Array> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path)];
    }),
  );
}
