import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFakeRegistry } from "../hub/build/fake-registry.ts";
import { BUNDLE_YAML, type FleetFixture, fleetFixture, fleetIn, SITE_YAML, TILL_YAML } from "../hub/build/fixture.ts";
import { shownSoFar } from "../lab/mirror/shown.ts";
import { type Point, placeOf, type Tally } from "./mortal.ts";
import type { Played, Scenario } from "./scenario.ts";
import type { Victims } from "./victims.ts";

/** The clock of the fixture: dates are part of what is compared. */
const NOW = Date.parse("2026-11-21T08:00:00Z");

/** What an operator does; a function is something that is not `skerry`'s. */
const STEPS: readonly (readonly string[] | ((fleet: FleetFixture) => Promise<void>))[] = [
  ["site", "sign", "../site.yaml", "--key", "../ada"],
  async (fleet) => fleet.commit("a site"),
  ...release("1.4.2"),
  async (fleet) => {
    await fleet.write("bundles/pos/bundle.yaml", BUNDLE_YAML.replace("1.4.2", "1.5.0"));
    fleet.commit("1.5.0");
  },
  ...release("1.5.0"),
  async ({ base }) => {
    // From now on another person may sign for sites.
    const text = await readFile(join(base, "root.yaml"), "utf8");
    await writeFile(join(base, "root.yaml"), text.replace("site: { keys: [ada]", "site: { keys: [ada, bob]"));
  },
  ["root", "rotate", "--from", "../root.yaml"],
  ["root", "sign", "--key", "../ada"],
  ["root", "sign", "--key", "../bob"],
  ["publish"],
  ["publish", "--to", "../mirror"],
  async ({ base }) => writeFile(join(base, "site.yaml"), SITE_YAML.replace("role: store", "role: kiosk")),
  ["site", "sign", "../site.yaml", "--key", "../bob"],
  async (fleet) => fleet.commit("the site is another"),
  ["publish", "--to", "../mirror"],
  async (fleet) => {
    registry ??= startFakeRegistry();
    const { host, tags } = await registry;
    tags.set("shop/side:1", `sha256:${"c1".repeat(32)}`);
    await fleet.write("bundles/side/bundle.yaml", BUNDLE_YAML.replace("name: pos", "name: side"));
    await fleet.write("bundles/side/manifests/side.yaml", loose(`${host}/shop/side:1`));
    fleet.commit("a bundle with a tag");
  },
  ["bundle", "lock", "bundles/side"],
  async (fleet) => rm(join(fleet.folder, "bundles/pos"), { recursive: true }),
  ["bundle", "init", "pos"],
];

let registry: ReturnType<typeof startFakeRegistry> | undefined;

function loose(image: string): string {
  return TILL_YAML.replaceAll("till", "side").replace(/image: .*/, `image: ${image}`);
}

function release(version: string): string[][] {
  return [
    ["bundle", "build", "bundles/pos"],
    ["bundle", "sign", `pos@${version}`, "--key", "../ada"],
    ["bundle", "sign", `pos@${version}`, "--key", "../bob"],
    ["bundle", "publish", `pos@${version}`],
    ["bundle", "publish", `pos@${version}`, "--to", "../mirror"],
  ];
}

/** One step as it goes without a kill. */
interface Reference {
  step: (typeof STEPS)[number];
  /** A folder with all as it was before. */
  before: string;
  /** How often it came to each place. */
  tally: Tally;
  /** What is published after it, and what lies in the work tree and the mirror. */
  published: string;
  tree: string;
}

let known: Promise<Reference[]> | undefined;

/** Keys, roots, builds and publications, each of them killed and done again. */
export const skerry: Scenario = {
  program: "skerry",
  story: "releases",
  play: async (victims, [point]) => {
    known ??= uninterrupted();
    const reference = await known;
    if (point === undefined) return { lost: [], killed: 0, tally: total(reference.map(({ tally }) => tally)) };
    return interrupted(victims, point, reference);
  },
};

/** Bundles name the origin they come from: it is called the same wherever the folder is, so that the bytes are the same. */
async function fleetInSomeFolder(): Promise<FleetFixture> {
  const fleet = await fleetFixture();
  fleet.git("remote", "set-url", "origin", "../origin.git");
  return fleet;
}

async function uninterrupted(): Promise<Reference[]> {
  const fleet = await fleetInSomeFolder();
  const kept = mkdtempSync(join(tmpdir(), "skerry-steps-"));
  process.once("exit", () => rmSync(kept, { recursive: true, force: true }));
  try {
    const references: Reference[] = [];
    for (const [index, step] of STEPS.entries()) {
      const before = join(kept, String(index));
      cpSync(fleet.base, before, { recursive: true });
      const tally: Tally = {};
      if (typeof step === "function") await step(fleet);
      else {
        const count = (effect: string, place: Point["place"]) => {
          const key = placeOf({ effect, place });
          tally[key] = (tally[key] ?? 0) + 1;
        };
        const { code, err } = await fleet.watched(count, ...step);
        if (code !== 0) throw new Error(`${step.join(" ")}: ${err.join("; ")}`);
      }
      references.push({ step, before, tally, published: await publishedBy(fleet), tree: treesOf(fleet) });
    }
    return references;
  } finally {
    await fleet.remove();
  }
}

/** The one step that comes to the point is killed and done again: what came before is as it was, and what comes after begins from the same. */
async function interrupted(victims: Victims, point: Point, references: readonly Reference[]): Promise<Played> {
  let { nth } = point;
  const reference = references.find(({ tally }) => {
    const times = tally[placeOf(point)] ?? 0;
    if (nth <= times) return true;
    nth -= times;
    return false;
  });
  if (reference === undefined || typeof reference.step === "function") return { lost: [], killed: 0, tally: {} };
  const fleet = fleetIn(mkdtempSync(join(tmpdir(), "skerry-fleet-")));
  cpSync(reference.before, fleet.base, { recursive: true });
  const { step } = reference;
  const lost: string[] = [];
  try {
    const before = await publishedBy(fleet);
    const orders = { tallyFile: join(fleet.base, "tally.json"), kill: { ...point, nth } };
    const log = join(fleet.base, "skerry.log");
    const how = await victims.start("skerry", [fleet.folder, String(NOW), ...step], orders, log).ended;
    const seen = await publishedBy(fleet);
    if (seen !== before && seen !== reference.published) lost.push(`something partial was published: ${seen}`);
    // Where all was done, it may say so.
    const isDone = treesOf(fleet) === reference.tree;
    const { code, err } = await fleet.skerry(...step);
    if (code !== 0 && !isDone) lost.push(`${step.join(" ")} could not be done again: ${err.join("; ")}`);
    if ((await publishedBy(fleet)) !== reference.published)
      lost.push(`after ${step.join(" ")} other things are published`);
    if (treesOf(fleet) !== reference.tree) lost.push("work tree or mirror are others than without a kill");
    return { lost: [...new Set(lost)], killed: how === "SIGKILL" ? 1 : 0, tally: {} };
  } finally {
    await fleet.remove();
  }
}

/**
 * Branches with their commits, which name every byte below them, and what the mirror shows; all of it is there for who
 * fetches.
 */
async function publishedBy({ origin, base }: FleetFixture): Promise<string> {
  execFileSync("git", ["-C", origin, "fsck", "--connectivity-only", "--no-dangling"], { stdio: "ignore" });
  const refs = execFileSync("git", ["-C", origin, "for-each-ref", "--format=%(refname) %(objectname)"]).toString();
  return [refs, ...(await shownSoFar(join(base, "mirror")))].join("\n");
}

function treesOf({ folder, base }: FleetFixture): string {
  return [folder, join(base, "mirror")].filter(existsSync).map(treeOf).join("\n\n");
}

/** Paths and hashes of all files, the built ones too; of what Git itself keeps only locks, which would stop what comes next. */
function treeOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(folder, ".git/")) || path.endsWith(".lock"))
    .map((path) => `${path.slice(folder.length)} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`)
    .toSorted()
    .join("\n");
}

function total(tallies: readonly Tally[]): Tally {
  const sum: Tally = {};
  for (const tally of tallies)
    for (const [place, count] of Object.entries(tally)) sum[place] = (sum[place] ?? 0) + count;
  return sum;
}
