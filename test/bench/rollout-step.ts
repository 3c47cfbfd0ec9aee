import { parseArgs } from "node:util";
import { decide, type Kept } from "../../hub/decide.ts";
import type { FleetMember } from "../../hub/registry/site.ts";
import type { SiteAssignment } from "../../hub/registry/store.ts";
import type { Run } from "../../hub/rollout/run.ts";
import { startRun } from "../../hub/rollout/start.ts";
import { step } from "../../hub/rollout/step.ts";
import { changesToStore } from "../../hub/rollout/stored.ts";
import { digestOf, heard, memberOf, reportOf, specOf, targetOf } from "../hub/rollout/samples.ts";
import { type BenchResult, type Figure, figureOf, machine } from "./figures.ts";

const BATCH = 1_000;
/** The clock of the processor is coarse: one figure is the mean of so many batches. */
const TOGETHER = 40;
const SIZES = [1_000, 10_000, 100_000];

/** The sites of one open wave report, a thousand of them before each step. The limit: the same sites, only looked up. */
export async function rolloutStep(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { batches: { type: "string", default: "400" } } });
  const batches = Number(values.batches);
  const before = machine();
  // Compiled before the first figure is taken.
  for (const sites of [2_000, 20_000]) storm(sites, TOGETHER);
  const figures: Figure[] = [];
  const turns: Figure[] = [];
  for (const sites of SIZES) {
    const took = storm(sites, batches);
    // A report costs the same in a fleet of any size, to within a fifth; and a batch at 10,000 sites no more than 5 ms.
    const same = 1.2 * (figures[0]?.median ?? Number.POSITIVE_INFINITY);
    const atMost = sites === 10_000 ? Math.min(5, same) : same;
    const goal = Number.isFinite(atMost) ? { goal: { of: "median", atMost } as const } : {};
    const limit = { name: "the same sites only looked up", value: mean(took.lookUp) };
    figures.push(figureOf(`a batch of ${BATCH} reports at ${sites} sites`, "ms", took.step, { limit, ...goal }));
    turns.push(figureOf(`  the whole decision, and what of it is stored, at ${sites} sites`, "ms", took.turn));
  }
  return { name: "rollout-step", machine: before, runs: batches, figures: [...figures, ...turns] };
}

/** A hub in the middle of a run, whose open wave has all sites; each of them holds the set that gave it the version. */
class Storm {
  readonly fleet = new Map<string, FleetMember>();
  readonly assignments = new Map<string, SiteAssignment>();
  readonly ids: string[];
  run: Run;
  kept: Kept;
  now = 0;

  constructor(sites: number) {
    for (let index = 0; index < sites; index += 1) {
      const id = `shop-${index}`;
      this.fleet.set(id, heard(memberOf(id), reportOf({}, undefined), 0));
    }
    this.ids = [...this.fleet.keys()];
    const spec = specOf({ waves: [{ name: "all", sites: {}, soak: "1h" }], failure: { over: "2%" } });
    const start = { id: "pos-1", rollout: "pos", commit: "c", spec, target: targetOf(2), back: false, seed: "x" };
    this.run = startRun(start, [...this.fleet.values()], 0);
    this.kept = this.decide().kept;
    const { kept } = this.decide({ kept: this.kept, changed: new Set(this.ids) });
    this.kept = kept;
  }

  decide(since?: { kept: Kept; changed: ReadonlySet<string> }) {
    const { fleet: members, assignments, now } = this;
    const runs = new Map([[this.run.id, this.run]]);
    const world = { fleetName: "shops", term: 1, rootNumber: 1, lifetimeMs: 2e9, runs, members, assignments };
    const decision = decide({ ...world, because: new Map() }, { changes: [], inputs: new Map() }, now, since);
    const stored = decision.runs.map((run) => changesToStore(run, runs.get(run.id)));
    if (stored.length !== decision.runs.length) throw new Error("not stored");
    this.run = decision.runs[0] ?? this.run;
    for (const set of decision.sets) {
      assignments.set(set.site, { ...set, frame: new Uint8Array(), published: true });
      members.set(set.site, { ...(members.get(set.site) as FleetMember), assigned: set.assigned });
    }
    return decision;
  }

  /** What nobody can do without: each site's place in the run, what became of it so far, and what it says now. */
  lookUp(changed: ReadonlySet<string>): void {
    let known = 0;
    for (const id of changed) {
      const { wave } = this.run.sites.at(this.run.sites.placeOf(id) ?? 0);
      const member = this.fleet.get(id);
      const item = member?.site.report?.body.items[0];
      if (wave === 0 && item?.digest !== member?.assigned["pos"]?.digest) known += 1;
    }
    if (known !== changed.size) throw new Error(`${known} of ${changed.size} sites found`);
  }

  /** A thousand sites say another thing than they said last: well, not well, well again. In each fleet a report changes as much. */
  report(batch: number): ReadonlySet<string> {
    this.now += 1;
    const changed = new Set<string>();
    const isWell = Math.floor((batch * BATCH) / this.ids.length) % 2 === 0;
    const objects = { total: 4, healthy: isWell ? 4 : 3, drifted: 0 };
    const report = reportOf({ digest: digestOf(2).slice(0, 32), healthyFor: isWell ? 5 : 0, objects }, [1, 1]);
    for (let index = 0; index < BATCH; index += 1) {
      const id = this.ids[(batch * BATCH + index) % this.ids.length] ?? "";
      this.fleet.set(id, heard(this.fleet.get(id) as FleetMember, report, this.now));
      changed.add(id);
    }
    return changed;
  }
}

function storm(sites: number, batches: number): Record<"step" | "lookUp" | "turn", number[]> {
  const world = new Storm(sites);
  const took = { step: [] as number[], lookUp: [] as number[], turn: [] as number[] };
  for (let batch = 0; batch < batches; batch += 1) {
    const changed = world.report(batch);
    took.lookUp.push(cost(() => world.lookUp(changed)));
  }
  for (let batch = batches; batch < 2 * batches; batch += 1) {
    const changed = world.report(batch);
    const tally = world.kept.tallies.get("pos-1");
    if (tally === undefined) throw new Error("no run");
    took.step.push(
      cost(() => {
        world.run = step(world.run, world.fleet, [], world.now, { tally, changed }).run;
      }),
    );
  }
  for (let batch = 2 * batches; batch < 3 * batches; batch += 1) {
    const changed = world.report(batch);
    took.turn.push(
      cost(() => {
        world.kept = world.decide({ kept: world.kept, changed }).kept;
      }),
    );
  }
  return { step: means(took.step), lookUp: means(took.lookUp), turn: means(took.turn) };
}

/** Of this thread's processor, garbage included: what others do on this machine is none of it. In ms. */
function cost(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

function means(all: readonly number[]): number[] {
  return Array.from({ length: Math.floor(all.length / TOGETHER) }, (_, index) =>
    mean(all.slice(index * TOGETHER, (index + 1) * TOGETHER)),
  );
}

function mean(some: readonly number[]): number {
  return some.reduce((sum, one) => sum + one, 0) / some.length;
}
