import { execFileSync } from "node:child_process";
import type { BundleView, FleetView } from "../../../hub/api/contract.ts";
import { commitFiles } from "../git/repository.ts";
import { ask } from "./cluster.ts";
import { lastRun, type Site, type Stage, siteOf, until } from "./stage.ts";

/** One part of the story: it says what it saw, and throws where something did not hold. */
export interface Part {
  title: string;
  play(stage: Stage, say: (words: string) => void): Promise<void>;
}

/** The rollout file; `VERSION` is what a deployment changes. */
export const ROLLOUT = `kind: Rollout/v1
bundle: pos
version: VERSION
sites: {}
waves:
  - { name: lab, sites: { ring: lab }, soak: 2s }
  - { name: rest, soak: 1s }
site: { deadline: 30s, offlineAfter: 3s, reportEvery: 1s }
`;

const WAVE_MS = 60_000;
const CONFIG_MAP = "/api/v1/namespaces/shop/configmaps/till";
const SERVICE = "/api/v1/namespaces/shop/services/till";

export const join1: Part = {
  title: "the sites join and run 1.0.0",
  play: async (stage, say) => {
    await stage.fleet.release({ version: "1.0.0", greeting: "welcome", signWith: "ssh-keygen" });
    say("pos 1.0.0 built with skerry, signed with ssh-keygen -Y sign, published to its branch");
    await stage.fleet.deploy("1.0.0");
    await everySiteRuns(stage, "1.0.0", stage.sites);
    await runIs(stage, "1.0.0", "completed");
    for (const site of stage.sites) await greets(site, "welcome");
    say(`${stage.sites.length} of ${stage.sites.length} sites committed 1.0.0; each API server has its objects`);
  },
};

export const waves: Part = {
  title: "1.1.0 goes out in waves, and a site whose links are cut holds up nobody",
  play: async (stage, say) => {
    const dark = last(stage.sites);
    dark.cut();
    await stage.fleet.release({ version: "1.1.0", greeting: "hello" });
    await stage.fleet.deploy("1.1.0");
    const [lab] = stage.sites as [Site];
    const waits = new Set<string>();
    await until("wave lab soaks, and nobody else moves before it passed", WAVE_MS, async () => {
      const view = await stage.hub.view();
      const run = lastRun(view);
      if (run?.version !== "1.1.0") return false;
      waits.add(run.words);
      const [first, rest] = run.waves;
      const opened = rest?.sites.some((site) => site.outcome !== "pending") ?? false;
      if (opened && !first?.sites.every((site) => site.outcome === "succeeded"))
        throw new Error("rest opened before lab succeeded");
      return opened;
    });
    const soaked = [...waits].find((words) => /healthy for \d+ of 2/.test(words));
    hold(soaked !== undefined, `the gate was seen to soak (${[...waits].join(" | ")})`);
    say(`wave lab (${lab.id}) first: ${soaked}`);
    const others = stage.sites.filter((site) => site !== dark);
    await everySiteRuns(stage, "1.1.0", others);
    const run = await runIs(stage, "1.1.0", "completed");
    say(`wave rest: ${others.length} of ${stage.sites.length} sites on 1.1.0; ${run.words}`);
    await until(
      `${dark.id} is shown offline`,
      WAVE_MS,
      async () => siteOf(await stage.hub.view(), dark.id)?.connection === "offline",
    );
    hold(posAt(await stage.hub.view(), dark.id)?.version === "1.0.0", `${dark.id} still runs 1.0.0`);
    say(`${dark.id} is shown offline, still on 1.0.0, and held up nobody`);
    dark.mend();
    await everySiteRuns(stage, "1.1.0", [dark]);
    await greets(dark, "hello");
    say(`its links return: ${dark.id} caught up by itself`);
  },
};

export const drift: Part = {
  title: "an object is edited by hand, another deleted: both are back within a second",
  play: async (stage, say) => {
    const site = stage.sites[1] ?? (stage.sites[0] as Site);
    const healed = await healTime(
      site,
      async () => void (await ask(site.cluster, "PATCH", CONFIG_MAP, { data: { greeting: "edited by hand" } })),
      () => greets(site, "hello", 0),
    );
    const { body } = await ask(site.cluster, "GET", SERVICE);
    const before = (body["metadata"] as { uid: string }).uid;
    const made = await healTime(
      site,
      async () => void (await ask(site.cluster, "DELETE", SERVICE)),
      async () => {
        const again = await ask(site.cluster, "GET", SERVICE);
        hold(
          again.status === 200 && (again.body["metadata"] as { uid: string }).uid !== before,
          "the Service is a new one",
        );
      },
    );
    say(
      `at ${site.id} the edited ConfigMap was back after ${healed.toFixed(0)} ms, the deleted Service after ${made.toFixed(0)} ms`,
    );
    hold(healed <= 1000 && made <= 1000, "both within a second");
    const words = await until("the hub shows both events", 20_000, async () => {
      const events = (await stage.hub.events(`site=${site.id}&limit=50`)).filter((event) => event.kind === "drift");
      const edited = events.find((event) => event.object?.includes("ConfigMap"));
      const deleted = events.find((event) => event.object?.includes("Service"));
      return (
        edited !== undefined &&
        deleted !== undefined &&
        [edited, deleted].map((event) => `${event.object} ${event.words}`)
      );
    });
    say(`the hub shows: ${words.join("; ")}`);
  },
};

export const sick: Part = {
  title: "1.2.0 never becomes healthy: the first site reverts itself, the run pauses, nobody else gets it",
  play: async (stage, say) => {
    const [lab, ...others] = stage.sites as [Site, ...Site[]];
    await stage.fleet.release({ version: "1.2.0", greeting: "sick", stuck: true });
    await stage.fleet.deploy("1.2.0");
    const paused = await runIs(stage, "1.2.0", "paused");
    say(`run ${paused.words}`);
    await until(`${lab.id} reverted itself`, WAVE_MS, async () => {
      const pos = posAt(await stage.hub.view(), lab.id);
      return pos?.version === "1.1.0" && pos.state === "reverted";
    });
    await greets(lab, "hello");
    say(`${lab.id} went back to 1.1.0 from its own disk`);
    for (const site of others) {
      const began = (await stage.hub.events(`site=${site.id}&limit=200`)).some(
        (event) => event.digest === paused.digest.slice(0, 32) && event.kind === "applying",
      );
      hold(!began, `${site.id} never applied 1.2.0`);
      await greets(site, "hello");
    }
    say(`no other site ever applied 1.2.0 (${others.map((site) => site.id).join(", ")} asked)`);
    await stage.fleet.git("revert", "--no-edit", "HEAD");
    await stage.fleet.git("push", "--quiet", "origin", "HEAD:main");
    await everySiteRuns(stage, "1.1.0", stage.sites);
    const run = await runIs(stage, "1.1.0", "completed");
    say(`git revert of the rollout file: ${run.words}; every site on 1.1.0`);
  },
};

export const attack: Part = {
  title: "the Git server serves a bundle with one byte changed, then one signed by a stranger",
  play: async (stage, say) => {
    const branch = "refs/heads/bundles/pos";
    const good = gitAt(stage.fleet.bare, "rev-parse", branch);
    for (const { version, code, key, tamper } of [
      { version: "1.2.1", code: "digest", key: "pos", tamper: true },
      { version: "1.2.2", code: "threshold", key: "stranger", tamper: false },
    ]) {
      const files = await stage.fleet.forge({ version, greeting: "evil", key });
      if (tamper) changeOneByte(files);
      commitFiles(stage.fleet.bare, "bundles/pos", files, version);
      await stage.fleet.deploy(version);
      await until(`${version} is refused at every site and at the hub`, WAVE_MS, async () => {
        const events = await stage.hub.events("limit=500");
        const refusing = (site: string) =>
          events.some((event) => event.site === site && event.kind === "refused" && event.code === code);
        return stage.sites.every((site) => refusing(site.id)) && refusing("");
      });
      const view = await stage.hub.view();
      hold(!view.runs.some((run) => run.version === version), `the hub starts no run for ${version}`);
      for (const site of stage.sites) {
        hold(posAt(view, site.id)?.version === "1.1.0", `${site.id} goes on running 1.1.0`);
        await greets(site, "hello", 0);
      }
      say(
        `${tamper ? "one byte changed" : "signed by a stranger"}: refused at ${stage.sites.length} sites and the hub with code ${code}; 1.1.0 goes on, no run`,
      );
      gitAt(stage.fleet.bare, "update-ref", branch, good);
      await stage.fleet.deploy("1.1.0");
    }
    await runIs(stage, "1.1.0", "completed");
  },
};

export const hubKilled: Part = {
  title: "the hub is killed in the middle of a wave and started again",
  play: async (stage, say) => {
    await stage.fleet.release({ version: "1.3.0", greeting: "good day" });
    await stage.fleet.deploy("1.3.0");
    await until("1.3.0 is in the middle of its first wave", WAVE_MS, async () => {
      const run = lastRun(await stage.hub.view());
      return (
        run?.version === "1.3.0" &&
        run.waves[0]?.sites.some((site) => ["applying", "verifying", "notified"].includes(site.outcome))
      );
    });
    await stage.hub.kill();
    say("SIGKILL while wave lab was moving");
    const [lab] = stage.sites as [Site];
    await greets(lab, "good day", 20_000);
    await stage.hub.start();
    await everySiteRuns(stage, "1.3.0", stage.sites);
    const run = await runIs(stage, "1.3.0", "completed");
    say(`started again: the wave went on; ${run.words}`);
    await until("every event of every site is at the hub, once", 20_000, async () => {
      const events = await stage.hub.events("limit=1000");
      for (const site of stage.sites) {
        const numbers = events
          .flatMap((event) => (event.site === site.id ? [event.number] : []))
          .toSorted((a, b) => a - b);
        const expected = numbers.map((_number, index) => index + 1);
        hold(
          numbers.join() === expected.join(),
          `events of ${site.id} are 1..${numbers.length} without a gap or a double: ${numbers.join()}`,
        );
      }
      return true;
    });
    say("no report lost: the events of every site are numbered without a gap or a double");
  },
};

export const dark: Part = {
  title: "a site restarts with no network at all, heals a drift, and catches up on 1.4.0 later",
  play: async (stage, say) => {
    const site = last(stage.sites);
    site.cut();
    await site.kill();
    await ask(site.cluster, "PATCH", CONFIG_MAP, { data: { greeting: "edited while it was down" } });
    const begun = performance.now();
    await site.start();
    await greets(site, "good day", 20_000);
    say(
      `${site.id} killed, links cut, started again: the drift was healed ${(performance.now() - begun).toFixed(0)} ms after its start`,
    );
    await stage.fleet.release({ version: "1.4.0", greeting: "good evening" });
    await stage.fleet.deploy("1.4.0");
    const others = stage.sites.filter((other) => other !== site);
    await everySiteRuns(stage, "1.4.0", others);
    await runIs(stage, "1.4.0", "completed");
    await greets(site, "good day", 0);
    say(`meanwhile 1.4.0 reached the other ${others.length}; ${site.id} goes on with 1.3.0`);
    site.mend();
    await everySiteRuns(stage, "1.4.0", [site]);
    await greets(site, "good evening");
    say(`its links return: ${site.id} is on 1.4.0`);
  },
};

export const STORY: readonly Part[] = [join1, waves, drift, sick, attack, hubKilled, dark];

function posAt(view: FleetView, site: string): BundleView | undefined {
  return siteOf(view, site)?.bundles.find((bundle) => bundle.bundle === "pos");
}

async function everySiteRuns(stage: Stage, version: string, sites: readonly Site[]): Promise<void> {
  await until(`${sites.map((site) => site.id).join(", ")} run ${version}`, WAVE_MS, async () => {
    const view = await stage.hub.view();
    const missing = sites.filter(({ id }) => {
      const pos = posAt(view, id);
      return pos?.version !== version || !["committed", "reverted"].includes(pos.state);
    });
    if (missing.length === 0) return true;
    throw new Error(
      missing
        .map(
          ({ id }) =>
            `${id}: ${posAt(view, id)?.version ?? "nothing"} ${posAt(view, id)?.state ?? ""} ${posAt(view, id)?.waitingOn ?? ""}`,
        )
        .join("; "),
    );
  });
}

async function runIs(stage: Stage, version: string, phase: string): Promise<NonNullable<ReturnType<typeof lastRun>>> {
  return until(`the run of ${version} is ${phase}`, WAVE_MS, async () => {
    const run = lastRun(await stage.hub.view());
    if (run?.version === version && run.phase === phase) return run;
    throw new Error(`${run?.version ?? "no run"} ${run?.phase ?? ""}: ${run?.words ?? ""}`);
  });
}

/** What the site's own API server says. */
async function greets(site: Site, greeting: string, withinMs = 10_000): Promise<void> {
  await until(`${site.id} greets with "${greeting}"`, withinMs, async () => {
    const { body } = await ask(site.cluster, "GET", CONFIG_MAP);
    const found = (body["data"] as { greeting?: string } | undefined)?.greeting;
    if (found === greeting) return true;
    throw new Error(`it greets with "${found}"`);
  });
}

/** Milliseconds from the answer to the change until `back` holds. */
async function healTime(_site: Site, change: () => Promise<void>, back: () => Promise<void>): Promise<number> {
  await change();
  const begun = performance.now();
  await until("it is back", 10_000, async () => {
    await back();
    return true;
  });
  return performance.now() - begun;
}

function changeOneByte(files: Record<string, Uint8Array>): void {
  const path = Object.keys(files).find((name) => name.includes("configmap"));
  const bytes = path === undefined ? undefined : files[path];
  if (path === undefined || bytes === undefined) throw new Error("the forged bundle has no ConfigMap");
  const at = Buffer.from(bytes).indexOf("evil");
  files[path] = Buffer.from(bytes).fill("E", at, at + 1);
}

function gitAt(repository: string, ...args: string[]): string {
  return execFileSync("git", ["-C", repository, ...args], { encoding: "utf8" }).trim();
}

function last(sites: readonly Site[]): Site {
  const site = sites.at(-1);
  if (site === undefined) throw new Error("a story needs sites");
  return site;
}

function hold(condition: boolean, words: string): asserts condition {
  if (!condition) throw new Error(`does not hold: ${words}`);
}
