/** A fleet as people publish it, made by `skerry` itself: ten bundles, one of 2,000 files, and sites in all 16 groups of records. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Identity } from "../../agent/pull/trust.ts";
import { run } from "../../hub/cli/run.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { formatPublicKey } from "../../shared/node/ssh-key.ts";
import { ed25519FromSeed, formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { createRepository } from "../lab/git/repository.ts";

export const FILES = 2_000;
export const SITE = "s-0";

export interface WireFleet {
  dir: string;
  /** Holds `origin.git`. */
  served: string;
  mirror: string;
  identity: Identity;
  /** Changes one line of one of the 2,000 objects, and publishes that as the next version, to both. Returns the version. */
  update(): Promise<string>;
  remove(): void;
}

export async function wireFleet(): Promise<WireFleet> {
  const dir = mkdtempSync(join(tmpdir(), "skerry-wire-"));
  const [folder, served, mirror] = [join(dir, "fleet"), join(dir, "served"), join(dir, "mirror")];
  mkdirSync(served);
  const origin = createRepository(served, "origin.git");
  const who = { NAME: "Lab", EMAIL: "lab@example.com" };
  const env = Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((role) =>
      Object.entries(who).map(([what, value]) => [`GIT_${role}_${what}`, value]),
    ),
  );
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, ...args], { env: { ...process.env, ...env } }).toString();
  const skerry = async (...args: string[]) => {
    const said: string[] = [];
    const world = { folder, now: Date.now(), print: () => {}, complain: (line: string) => said.push(line) };
    if ((await run(args, world)) !== 0) throw new Error(`skerry ${args.join(" ")}: ${said.join("\n")}`);
  };
  const [owner, report] = [1, 9].map((seed) => ed25519FromSeed(Buffer.alloc(32, seed)));
  if (owner === undefined || report === undefined) throw new Error("two keys");
  writeFileSync(join(dir, "ada"), formatEd25519(owner), { mode: 0o600 });
  writeFileSync(join(dir, "ada.pub"), formatPublicKey(owner.public));
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", folder]);
  git("remote", "add", "origin", origin);
  const role = "{ keys: [ada], threshold: 1 }";
  writeFileSync(
    join(dir, "root.yaml"),
    `fleet: demo\nkeys: { ada: ada.pub }\nroles: { root: ${role}, site: ${role}, assign: ${role}, head: ${role} }\n` +
      `head: { freshFor: 2d }\nhubs: []\nbundles:\n` +
      '  - { pattern: "*", keys: [ada], threshold: 1, epoch: 1, namespaces: [shop], kinds: ["*"] }\n',
  );
  await skerry("root", "init", "--from", "../root.yaml");
  await skerry("root", "sign", "--key", "../ada");
  for (const id of oneSiteAGroup()) {
    const record = `id: ${id}\nlabels: { ring: lab }\nbundles: ["*"]\nreportKeys: ["${formatPublicKey(report.public)}"]\n`;
    writeFileSync(join(dir, "site.yaml"), record);
    await skerry("site", "sign", "../site.yaml", "--key", "../ada");
  }
  const write = (bundle: string, version: string, greetings: readonly string[]) => {
    mkdirSync(join(folder, "bundles", bundle, "manifests"), { recursive: true });
    writeFileSync(
      join(folder, "bundles", bundle, "bundle.yaml"),
      `kind: BundleSource/v1\nname: ${bundle}\nversion: ${version}\ncontent: { manifests: manifests }\nscope: [{ sites: {} }]\n`,
    );
    const objects = greetings.map((greeting, index) => object(index, greeting));
    writeFileSync(join(folder, "bundles", bundle, "manifests", "all.yaml"), objects.join("---\n"));
  };
  const publish = async (bundle: string, version: string) => {
    git("add", "--all");
    git("commit", "--quiet", "-m", `${bundle} ${version}`);
    await skerry("bundle", "build", `bundles/${bundle}`);
    await skerry("bundle", "sign", `${bundle}@${version}`, "--key", "../ada");
    await skerry("bundle", "publish", `${bundle}@${version}`);
    await skerry("bundle", "publish", `${bundle}@${version}`, "--to", mirror);
  };
  for (let index = 1; index < 10; index += 1) {
    for (const version of ["1.0.0", "1.0.1"]) {
      write(`bundle-${index}`, version, [`hello ${index}`, version]);
      await publish(`bundle-${index}`, version);
    }
  }
  let patch = -1;
  const greetings = Array.from({ length: FILES }, (_, index) => `hello ${index}`);
  const update = async () => {
    patch += 1;
    greetings[(patch * 617) % FILES] = `changed in 1.0.${patch}`;
    write("pos", `1.0.${patch}`, greetings);
    await publish("pos", `1.0.${patch}`);
    return `1.0.${patch}`;
  };
  await update();
  const pinned = execFileSync("git", ["-C", origin, "show", "trust:root/1.json"]);
  return {
    dir,
    served,
    mirror,
    identity: {
      site: SITE,
      reportKey: formatPublicKey(report.public),
      box: "",
      rootDigest: sha256Hex(pinned),
      unseal: () => new Map(),
    },
    update,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Ids of sites, one for each group of records, the first among them. */
function oneSiteAGroup(): string[] {
  const groups = new Map<string, string>();
  for (let index = 0; groups.size < 16; index += 1) {
    const group = recordBranch(sha256Hex(Buffer.from(`s-${index}`)));
    if (!groups.has(group)) groups.set(group, `s-${index}`);
  }
  return [...groups.values()];
}

/** Of some size, with parts that no packer can guess, as a real manifest has them. */
function object(index: number, greeting: string): string {
  const token = sha256Hex(Buffer.from(`token ${index}`));
  return `apiVersion: v1
kind: ConfigMap
metadata: { name: till-${index}, namespace: shop, labels: { app: till, part: "p${index % 7}" } }
data: { greeting: "${greeting}", token: "${token}", config: "mode=retail\\nlane=${index}\\nprinter=epson-tm88\\n" }
`;
}
