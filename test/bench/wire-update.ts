import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sqliteCache } from "../../agent/cache/sqlite.ts";
import { pull } from "../../agent/pull/pull.ts";
import { NO_TRUST, type Trust } from "../../agent/pull/trust.ts";
import { silent } from "../../shared/ports.ts";
import { gitSource } from "../../shared/source/git.ts";
import { httpMirrorSource } from "../../shared/source/mirror.ts";
import type { Source } from "../../shared/source/source.ts";
import { type Line, openLine } from "../lab/git/line.ts";
import { startGitServer } from "../lab/git/server.ts";
import { startStaticServer } from "../lab/mirror/server.ts";
import { type BenchResult, figureOf, machine, percentile } from "./figures.ts";
import { FILES, type WireFleet, wireFleet } from "./wire-fleet.ts";

/**
 * What a one-line change in a bundle of 2,000 files costs a site on the wire, poll included: every byte of its TCP connections,
 * both ways, HTTP's headers too. Over Git, and over a mirror by deltas; beside it the stock git, which fetches into the clone
 * that it has, and clones with depth 1, and a mirror without deltas. Plain HTTP: TLS adds its handshakes to each.
 */
export async function wireUpdate(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { runs: { type: "string", default: "5" } } });
  const runs = Number(values.runs);
  const before = machine();
  const fleet = await wireFleet();
  const [git, web] = await Promise.all([startGitServer({ root: fleet.served }), startStaticServer(fleet.mirror)]);
  const lines: Line[] = [];
  const line = async (url: string): Promise<Line> => {
    const opened = await openLine({ port: Number(new URL(url).port) });
    lines.push(opened);
    return opened;
  };
  const sites: WireSite[] = [];
  const open = async (name: string, url: string, make: (url: string) => Source) => {
    const site = wireSite(fleet, name, await line(url), make);
    sites.push(site);
    return site;
  };
  try {
    const byGit = await open("git", git.url, (url) => gitOver(fleet, `${url}/origin.git`));
    const byMirror = await open("mirror", web.url, (url) => httpMirrorSource({ url }));
    const whole = await open("whole", web.url, (url) => ({ ...httpMirrorSource({ url }), delta: async () => null }));
    const stock = await line(git.url);
    const kept = join(fleet.dir, "kept.git");
    await clone(stock, kept, []);
    const first = { git: await byGit.pull(), mirror: await byMirror.pull() };
    await whole.pull();
    const idle = { git: await byGit.pull(), mirror: await byMirror.pull() };
    const [updates, mirrors, wholes, clones, fetches]: number[][] = [[], [], [], [], []];
    for (let run = 0; run < runs; run += 1) {
      const version = await fleet.update();
      updates?.push(await byGit.pull());
      mirrors?.push(await byMirror.pull());
      wholes?.push(await whole.pull());
      fetches?.push(
        await stock.spent(() => stockGit("-C", kept, "fetch", "--quiet", "origin", "bundles/pos:bundles/pos")),
      );
      clones?.push(await clone(stock, join(fleet.dir, `clone-${run}.git`), ["--depth", "1"]));
      for (const site of sites) site.mustHave(version);
    }
    const last = await behind(fleet, runs, byGit, byMirror);
    const refs = execFileSync("git", ["-C", join(fleet.served, "origin.git"), "for-each-ref"])
      .toString()
      .trim();
    const without = { name: "a mirror without deltas", value: percentile(wholes ?? [], 0.5) };
    const fetch = { name: "stock git fetch", value: percentile(fetches ?? [], 0.5) };
    const clean = { name: "stock git clone --depth 1", value: percentile(clones ?? [], 0.5) };
    return {
      name: `wire-update (${FILES} files, ${refs.split("\n").length} refs)`,
      machine: before,
      runs,
      figures: [
        figureOf("one line changed, over Git, poll included", "B", updates ?? [], {
          peer: fetch,
          goal: { of: "max", atMost: 5_000 },
        }),
        figureOf("one line changed, over a mirror, poll included", "B", mirrors ?? [], {
          peer: without,
          goal: { of: "max", atMost: 2_000 },
        }),
        figureOf("three versions behind, over Git", "B", [last.git], { goal: { of: "max", atMost: 10_000 } }),
        figureOf("three versions behind, over a mirror", "B", [last.mirror], { goal: { of: "max", atMost: 4_000 } }),
        figureOf("a poll with nothing new, over Git", "B", [idle.git]),
        figureOf("a poll with nothing new, over a mirror", "B", [idle.mirror]),
        figureOf("a first sync, over Git", "B", [first.git], { peer: clean }),
        figureOf("a first sync, over a mirror", "B", [first.mirror]),
      ],
    };
  } finally {
    await Promise.all(sites.map((site) => site.close()));
    await Promise.all([...lines.map((each) => each.stop()), git.stop(), web.stop()]);
    fleet.remove();
  }
}

interface WireSite {
  /** One pull; the bytes that it cost. */
  pull(): Promise<number>;
  mustHave(version: string): void;
  close(): Promise<void>;
}

function wireSite(fleet: WireFleet, name: string, line: Line, make: (url: string) => Source): WireSite {
  mkdirSync(join(fleet.dir, "sites"), { recursive: true });
  const cache = sqliteCache({ file: join(fleet.dir, "sites", `${name}.db`), journal: silent });
  const source = make(`http://127.0.0.1:${line.port}`);
  let trust: Trust = NO_TRUST;
  return {
    pull: () =>
      line.spent(async () => {
        const clock = { now: Date.now(), synced: true };
        const onTrust = (next: Trust) => {
          trust = next;
        };
        const pulled = await pull({
          source,
          cache,
          identity: fleet.identity,
          trust,
          wanted: new Map(),
          clock,
          onTrust,
        });
        if (pulled.refused || pulled.lie !== null) throw new Error(`${name}: ${JSON.stringify(cache.refusals())}`);
      }),
    mustHave: (version) => {
      const found = cache.versions().find((each) => each.bundle === "pos" && each.version === version);
      if (found?.complete !== true) throw new Error(`${name} does not have ${version}`);
    },
    close: async () => {
      await source.close();
      cache.close();
    },
  };
}

let folders = 0;
function gitOver(fleet: WireFleet, url: string): Source {
  folders += 1;
  const child = join(import.meta.dirname, "../../shared/source/git-child.ts");
  return gitSource({ url, dir: join(fleet.dir, `objects-${folders}`), child, memoryMb: 512 });
}

async function clone(line: Line, to: string, options: readonly string[]): Promise<number> {
  const url = `http://127.0.0.1:${line.port}/origin.git`;
  const branch = ["--branch", "bundles/pos", "--single-branch"];
  return line.spent(() => stockGit("clone", "--quiet", "--bare", ...options, ...branch, url, to));
}

/** Not `execFileSync`: the server is in this process. */
async function stockGit(...args: string[]): Promise<void> {
  const [code] = await once(spawn("git", args, { stdio: "ignore" }), "close");
  if (code !== 0) throw new Error(`git ${args.join(" ")} failed`);
}

/** Three updates that the sites did not see, and one pull. */
async function behind(fleet: WireFleet, runs: number, byGit: WireSite, byMirror: WireSite) {
  let version = "";
  for (let missed = 0; missed < 3; missed += 1) version = await fleet.update();
  const spent = { git: await byGit.pull(), mirror: await byMirror.pull() };
  for (const site of [byGit, byMirror]) site.mustHave(version);
  if (version !== `1.0.${runs + 3}`) throw new Error("miscounted");
  return spent;
}
