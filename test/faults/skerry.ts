import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUNDLE_YAML, type FleetFixture, fleetFixture } from "../hub/build/fixture.ts";
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
  ["root", "rotate", "--from", "../root.yaml"],
  ["root", "sign", "--key", "../ada"],
  ["root", "sign", "--key", "../bob"],
  ["publish"],
  ["publish", "--to", "../mirror"],
];

function release(version: string): string[][] {
  return [
    ["bundle", "build", "bundles/pos"],
    ["bundle", "sign", `pos@${version}`, "--key", "../ada"],
    ["bundle", "sign", `pos@${version}`, "--key", "../bob"],
    ["bundle", "publish", `pos@${version}`],
    ["bundle", "publish", `pos@${version}`, "--to", "../mirror"],
  ];
}

/** What is published after each step, how often each step came to each place, and what lies in the work tree and the mirror at the end. */
interface Reference {
  published: string[];
  tallies: Tally[];
  tree: string;
}

let known: Promise<Reference> | undefined;

/** Keys, roots, builds and publications, each of them killed and done again. */
export const skerry: Scenario = {
  program: "skerry",
  play: async (victims, point) => {
    known ??= uninterrupted();
    const reference = await known;
    if (point === null) return { lost: [], reached: true, tally: total(reference.tallies) };
    return interrupted(victims, point, reference);
  },
};

/** Bundles name the origin they come from: it is called the same wherever the folder is, so that the bytes are the same. */
async function fleetInSomeFolder(): Promise<FleetFixture> {
  const fleet = await fleetFixture();
  fleet.git("remote", "set-url", "origin", "../origin.git");
  return fleet;
}

async function uninterrupted(): Promise<Reference> {
  const fleet = await fleetInSomeFolder();
  try {
    const published: string[] = [];
    const tallies: Tally[] = [];
    for (const step of STEPS) {
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
      tallies.push(tally);
      published.push(await publishedBy(fleet));
    }
    return { published, tallies, tree: treesOf(fleet) };
  } finally {
    await fleet.remove();
  }
}

async function interrupted(victims: Victims, point: Point, reference: Reference): Promise<Played> {
  const fleet = await fleetInSomeFolder();
  const lost: string[] = [];
  let reached = false;
  let left = point.nth;
  try {
    for (const [index, step] of STEPS.entries()) {
      if (typeof step === "function") {
        await step(fleet);
        continue;
      }
      const times = reference.tallies[index]?.[placeOf(point)] ?? 0;
      if (left > 0 && left <= times) {
        const before = await publishedBy(fleet);
        const orders = { tallyFile: join(fleet.base, "tally.json"), kill: { ...point, nth: left } };
        const log = join(fleet.base, "skerry.log");
        const how = await victims.start("skerry", [fleet.folder, String(NOW), ...step], orders, log).ended;
        reached = how === "SIGKILL";
        const seen = await publishedBy(fleet);
        if (seen !== before && seen !== reference.published[index])
          lost.push(`something partial was published: ${seen}`);
        const { code, err } = await fleet.skerry(...step);
        if (code !== 0) lost.push(`${step.join(" ")} could not be done again: ${err.join("; ")}`);
      } else {
        const { code, err } = await fleet.skerry(...step);
        if (code !== 0) lost.push(`${step.join(" ")}: ${err.join("; ")}`);
      }
      left -= times;
      if ((await publishedBy(fleet)) !== reference.published[index])
        lost.push(`after ${step.join(" ")} other things are published`);
    }
    if (treesOf(fleet) !== reference.tree) lost.push("work tree or mirror are others than without a kill");
    return { lost: [...new Set(lost)], reached, tally: {} };
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
  return [folder, join(base, "mirror")].map(treeOf).join("\n\n");
}

/** Paths and hashes of all files, the built ones too; what Git itself keeps is not looked at. */
function treeOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(folder, ".git/")))
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
