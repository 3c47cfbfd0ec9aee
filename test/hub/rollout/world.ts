import { assignmentSets, type ChangedSet } from "../../../hub/assign/assign.ts";
import type { FleetMember } from "../../../hub/registry/site.ts";
import type { Because } from "../../../hub/rollout/because.ts";
import type { Effect, Input, Run } from "../../../hub/rollout/run.ts";
import { step } from "../../../hub/rollout/step.ts";

export interface Turn {
  before: Run;
  run: Run;
  because: Because;
  effects: Effect[];
}

/** A hub without wires: runs are stepped and their effects become stored sets, as one transaction would. */
export class World {
  now = 0;
  readonly fleet = new Map<string, FleetMember>();
  readonly runs = new Map<string, Run>();
  readonly sets = new Map<string, ChangedSet>();

  /** What is stored for a site outlasts its leaving the fleet. */
  join(member: FleetMember): void {
    this.fleet.set(member.id, { ...member, assigned: this.sets.get(member.id)?.assigned ?? {} });
  }

  member(site: string): FleetMember {
    const found = this.fleet.get(site);
    if (found === undefined) throw new Error(`no site ${site} in this fleet`);
    return found;
  }

  /** Steps each run, the older first, then replaces the sets that changed. */
  turn(inputs: ReadonlyMap<string, Input[]> = new Map()): { turns: Turn[]; changed: ChangedSet[] } {
    const fleet = new Map(this.fleet);
    const turns = [...this.runs.values()].map((before): Turn => {
      const { run, because, effects } = step(before, fleet, inputs.get(before.id) ?? [], this.now);
      return { before, run, because, effects };
    });
    for (const { run } of turns) this.runs.set(run.id, run);
    const changed = assignmentSets({
      current: this.sets,
      effects: turns.flatMap(({ effects }) => effects),
      runs: this.runs,
      fleet: this.fleet,
      fleetName: "shops",
      term: 1,
      rootNumber: 1,
      now: this.now,
      lifetimeMs: 86_400_000,
    });
    for (const set of changed) {
      this.sets.set(set.site, set);
      this.fleet.set(set.site, { ...this.member(set.site), assigned: set.assigned });
    }
    return { turns, changed };
  }
}
