/** A small fleet for the tests of building and publishing: two keys, one site, one bundle, every date and key fixed. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../../../hub/cli/run.ts";
import { formatPublicKey } from "../../../shared/node/ssh-key.ts";
import { ed25519FromSeed, formatEd25519 } from "../../../shared/node/ssh-private-key.ts";
import type { Journal } from "../../../shared/ports.ts";
import { createRepository } from "../../lab/git/repository.ts";

const NOW = Date.parse("2026-11-21T08:00:00Z");
const DIGEST = `sha256:${"a1".repeat(32)}`;

export const BUNDLE_YAML = `kind: BundleSource/v1
name: pos
version: 1.4.2
content: { manifests: manifests }
scope: [{ sites: { ring: lab } }, { sites: { role: store }, after: 24h }]
`;

export const TILL_YAML = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: till
  namespace: shop
spec:
  replicas: 2
  selector: { matchLabels: { app: till } }
  template:
    metadata: { labels: { app: till } }
    spec:
      containers:
        - name: till
          image: registry.example.com/till:1.4.2@${DIGEST}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: till, namespace: shop }
data: { greeting: "yes" }
`;

const ROOT_YAML = `fleet: demo
keys: { ada: ada.pub, bob: bob.pub, hub: hub.pub }
roles:
  root: { keys: [ada, bob], threshold: 2 }
  site: { keys: [ada], threshold: 1 }
  assign: { keys: [hub], threshold: 1 }
hubs: [{ url: "mqtts://hub.example.com", ca: "" }]
bundles:
  - { pattern: pos, keys: [ada, bob], threshold: 2, epoch: 1, namespaces: [shop], kinds: ["*", "*.apps"] }
`;

const key = (seed: number) => ed25519FromSeed(Buffer.alloc(32, seed));

export const SITE_YAML = `id: s-0017
labels: { ring: lab, role: store }
bundles: ["*"]
reportKeys: ["${formatPublicKey(key(9).public)}"]
`;

export interface FleetFixture {
  /** The work tree. */
  folder: string;
  /** The bare repository that is `origin`. */
  origin: string;
  /** Folder that holds both, and the keys `ada`, `bob`, `eve`, with `.pub` beside each. */
  base: string;
  /** Runs `skerry` in the work tree. */
  skerry(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }>;
  /** The same, with a journal. */
  watched(journal: Journal, ...args: string[]): Promise<{ code: number; out: string[]; err: string[] }>;
  git(...args: string[]): string;
  write(file: string, content: string): Promise<void>;
  commit(subject: string): void;
  remove(): Promise<void>;
}

/** With a signed root and a committed bundle; nothing is built or published. */
export async function fleetFixture(): Promise<FleetFixture> {
  const base = await mkdtemp(join(tmpdir(), "skerry-fleet-"));
  const origin = createRepository(base, "origin.git");
  const fleet = fleetIn(base);
  const { folder, git, skerry, write, commit } = fleet;
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", folder]);
  git("remote", "add", "origin", origin);
  for (const [name, seed] of Object.entries({ ada: 1, bob: 2, hub: 3, eve: 4 })) {
    await writeFile(join(base, name), formatEd25519(key(seed)), { mode: 0o600 });
    await writeFile(join(base, `${name}.pub`), `${formatPublicKey(key(seed).public)} ${name}\n`);
  }
  await writeFile(join(base, "root.yaml"), ROOT_YAML);
  await writeFile(join(base, "site.yaml"), SITE_YAML);
  await skerry("root", "init", "--from", "../root.yaml");
  await skerry("root", "sign", "--key", "../ada");
  await skerry("root", "sign", "--key", "../bob");
  await write("bundles/pos/bundle.yaml", BUNDLE_YAML);
  await write("bundles/pos/manifests/till.yaml", TILL_YAML);
  commit("a fleet");
  return fleet;
}

/** One that lies in a folder already, such as a copy of another. */
export function fleetIn(base: string): FleetFixture {
  const folder = join(base, "fleet");
  const git = (...args: string[]) => execFileSync("git", ["-C", folder, ...args], { env: gitEnvironment() }).toString();
  const watched = async (journal: Journal, ...args: string[]) => {
    const [out, err]: string[][] = [[], []];
    const world = {
      folder,
      now: NOW,
      print: (line: string) => out?.push(line),
      complain: (line: string) => err?.push(line),
    };
    return { code: await run(args, { ...world, journal }), out: out ?? [], err: err ?? [] };
  };
  const write = async (file: string, content: string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  };
  return {
    base,
    folder,
    origin: join(base, "origin.git"),
    skerry: (...args) => watched(() => {}, ...args),
    watched,
    git,
    write,
    commit: (subject) => {
      git("add", "--all");
      git("commit", "--quiet", "--allow-empty", "-m", subject);
    },
    remove: () => rm(base, { recursive: true }),
  };
}

/** Builds and signs what is committed, by both keys. */
export async function buildAndSign(fleet: FleetFixture, version: string): Promise<void> {
  for (const args of [
    ["bundle", "build", "bundles/pos"],
    ["bundle", "sign", `pos@${version}`, "--key", "../ada"],
    ["bundle", "sign", `pos@${version}`, "--key", "../bob"],
  ]) {
    const { code, err } = await fleet.skerry(...args);
    if (code !== 0) throw new Error(err.join("\n"));
  }
}

function gitEnvironment() {
  const who = { NAME: "Lab", EMAIL: "lab@example.com", DATE: "2026-11-20T12:00:00Z" };
  const named = (role: string) => Object.entries(who).map(([what, value]) => [`GIT_${role}_${what}`, value]);
  return { ...process.env, ...Object.fromEntries([...named("AUTHOR"), ...named("COMMITTER")]) };
}
