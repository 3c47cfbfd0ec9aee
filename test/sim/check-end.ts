import type { Because } from "../../hub/rollout/because.ts";
import type { SiteProgress } from "../../hub/rollout/run.ts";
import { milliseconds } from "../../shared/names.ts";
import type { MemoryStore } from "../support/store.ts";
import type { Hosts } from "./hub-host.ts";
import type { SimSite } from "./site.ts";
import type { Witness } from "./witness.ts";
import type { World } from "./world.ts";

interface End {
  world: World;
  disk: MemoryStore;
  hosts: Hosts;
  sites: readonly SimSite[];
}

/** Where a wave may stand for ever without a fault: it waits for people, for windows, or for sites that nobody can see. */
const WAITS_FOR_PEOPLE: ReadonlySet<string> = new Set(["approval", "after", "quorum"]);
const OVER: ReadonlySet<string> = new Set(["completed", "reverted", "aborted", "superseded"]);
const UNFINISHED: ReadonlySet<string> = new Set(["notified", "applying", "verifying"]);

/** One that has not begun says for what it waits, and it is there. */
function checkPlanned(witness: Witness, id: string, because: Because): void {
  if (because.kind === "after" || because.kind === "approval") return;
  const ahead = because.kind === "queued" ? witness.runs.get(because.run) : undefined;
  if (because.kind === "queued" && ahead !== undefined && !OVER.has(ahead.phase.kind) && ahead.sites.has(because.site))
    return;
  witness.fail("settled", `${id} has not begun: ${JSON.stringify(because)}`, [id]);
}

/** After faults stopped and a quiet time passed. */
export function checkEnd({ world, disk, hosts, sites }: End): void {
  const { witness, queue } = world;
  const hub = hosts.leading?.hub ?? null;
  if (hub === null) return witness.fail("settled", "the hub did not come back", []);
  const { runs, members } = hub.read();
  for (const { run, because } of runs) {
    const { phase } = run;
    const about = [run.id];
    if (phase.kind === "planned") checkPlanned(witness, run.id, because);
    // With each window a silent site is given the version anew, and is offline again a while later.
    const silentFor = milliseconds(run.spec.site.offlineAfter);
    const isAsked = ({ outcome, since }: SiteProgress) => outcome === "notified" && queue.now - since < silentFor;
    if (run.spec.windows !== undefined && [...run.sites].some(([, progress]) => isAsked(progress))) continue;
    if (phase.kind === "rolling" && !WAITS_FOR_PEOPLE.has(because.kind))
      witness.fail("settled", `${run.id} is rolling still: ${JSON.stringify(because)}`, about);
    if (phase.kind === "reverting")
      witness.fail("settled", `${run.id} is reverting still: ${JSON.stringify(because)}`, about);
    if (phase.kind === "aborted" || phase.kind === "superseded") continue;
    for (const [site, { outcome }] of run.sites)
      if (UNFINISHED.has(outcome)) witness.fail("settled", `${site} is ${outcome} still in ${run.id}`, [site, run.id]);
  }
  const assigned = new Map(members.map((member) => [member.id, member]));
  for (const site of sites) {
    const stored = disk.holds.set(site.id);
    const held = site.set();
    const deaf = !site.connected;
    if (deaf || stored === undefined) continue;
    const number = (set: { term: number; number: number } | null) =>
      set === null ? "none" : `${set.term}.${set.number}`;
    if (number(held) !== number(stored))
      witness.fail("heard", `${site.id} holds set ${number(held)}, and ${number(stored)} is stored`, [site.id]);
    if (held !== null && Date.parse(held.expires) <= queue.now)
      witness.fail("lapsed", `${site.id} holds set ${number(held)}, which ran out at ${held.expires}`, [site.id]);
    const counters = site.cache.counters();
    // One may be on its way at this moment.
    if (counters.reportAcked < counters.report - 1)
      witness.fail("heard", `report ${counters.report} of ${site.id} was not confirmed`, [site.id]);
    if (site.cache.numberEvents(1).length > 0)
      witness.fail("heard", `events of ${site.id} were not confirmed`, [site.id]);
    const known = assigned.get(site.id)?.site.report?.body.number;
    if (known !== undefined && known < counters.report - 1)
      witness.fail("heard", `the hub has report ${known} of ${site.id}, which sent ${counters.report}`, [site.id]);
  }
}
