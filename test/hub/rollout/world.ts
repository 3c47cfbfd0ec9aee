import { expect } from "vitest";
import { assignmentSets, type ChangedSet } from "../../../hub/assign/assign.ts";
import { preparesOf } from "../../../hub/assign/items.ts";
import type { FleetMember } from "../../../hub/registry/site.ts";
import type { Because } from "../../../hub/rollout/because.ts";
import { nextLook } from "../../../hub/rollout/next-look.ts";
import { isOver, isTaken, Meetings, queueInputs } from "../../../hub/rollout/queue.ts";
import type { Effect, Input, Run } from "../../../hub/rollout/run.ts";
import { step } from "../../../hub/rollout/step.ts";
import type { Tally } from "../../../hub/rollout/tally.ts";
import { plainly } from "./oracle.ts";

export interface Turn {
  before: Run;
  run: Run;
  because: Because;
  effects: Effect[];
}

/** Remembers who changed since it was last asked. */
class WatchedFleet extends Map<string, FleetMember> {
  #changed = new Set<string>();

  override set(site: string, member: FleetMember): this {
    this.#changed?.add(site);
    return super.set(site, member);
  }

  override delete(site: string): boolean {
    this.#changed.add(site);
    return super.delete(site);
  }

  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }
}

function holding(member: FleetMember, set: ChangedSet | undefined): FleetMember {
  const prepares = preparesOf(set?.set.items ?? []);
  const { prepares: _, ...rest } = member;
  return { ...rest, assigned: set?.assigned ?? {}, ...(prepares && { prepares }) };
}

const DAY_MS = 86_400_000;

/**
 * A hub without wires: runs are stepped and their effects become stored sets, as one transaction would. Each step looks at what changed,
 * and must decide what one that looks at everything does; what it waits for is counted once more by hand. Between two looks that are due,
 * nothing may be there to be decided.
 */
export class World {
  now = 0;
  readonly fleet = new WatchedFleet();
  readonly runs = new Map<string, Run>();
  readonly sets = new Map<string, ChangedSet>();
  #meetings = new Meetings();
  readonly #tallies = new Map<string, Tally>();

  /** What is stored for a site outlasts its leaving the fleet. */
  join(member: FleetMember): void {
    this.fleet.set(member.id, holding(member, this.sets.get(member.id)));
  }

  member(site: string): FleetMember {
    const found = this.fleet.get(site);
    if (found === undefined) throw new Error(`no site ${site} in this fleet`);
    return found;
  }

  /** Steps each run, the older first, then replaces the sets that changed. */
  turn(inputs: ReadonlyMap<string, Input[]> = new Map()): { turns: Turn[]; changed: ChangedSet[] } {
    const fleet = new Map(this.fleet);
    const changed = this.fleet.takeChanged();
    const meetings = new Meetings(this.#meetings);
    this.#meetings = meetings;
    const turns = [...this.runs.values()].map((before): Turn => {
      const told = [...(inputs.get(before.id) ?? []), ...queueInputs(before, this.runs, this.now, meetings)];
      const anewInLine = queueInputs(before, this.runs, this.now, new Meetings());
      expect(queueInputs(before, this.runs, this.now, meetings)).toEqual(anewInLine);
      const tally = this.#tallies.get(before.id);
      const { tally: next, ...after } = step(before, fleet, told, this.now, tally && { tally, changed });
      if (next !== null) this.#tallies.set(before.id, next);
      const { tally: _, ...anew } = step(before, fleet, told, this.now);
      expect(after).toEqual(anew);
      const counted = plainly(after.run, fleet, after.because.kind);
      if (counted !== null) expect(after.because).toEqual(counted);
      this.runs.set(before.id, after.run);
      return { before, ...after };
    });
    const replaced = assignmentSets({
      current: this.sets,
      effects: turns.flatMap(({ effects }) => effects).filter((effect) => !isTaken(effect, this.runs, this.fleet)),
      runs: this.runs,
      fleet: this.fleet,
      fleetName: "shops",
      term: 1,
      rootNumber: 1,
      now: this.now,
      lifetimeMs: 86_400_000,
    });
    for (const set of replaced) {
      this.sets.set(set.site, set);
      this.fleet.set(set.site, holding(this.member(set.site), set));
    }
    // Where a set changed, also by what a site settled on, the hub looks again at once.
    if (replaced.length === 0) for (const run of this.runs.values()) this.#mayRest(run);
    return { turns, changed: replaced };
  }

  /** Until the next look is due, time alone decides nothing. */
  #mayRest(run: Run): void {
    const tally = this.#tallies.get(run.id);
    if (tally === undefined || isOver(run)) return;
    const at = nextLook(run, tally, this.now);
    expect(at).toBeGreaterThan(this.now);
    const justBefore = Math.min(at, this.now + DAY_MS) - 1;
    const { run: later, effects } = step(run, this.fleet, [], justBefore);
    expect(later).toBe(run);
    expect(effects.filter((effect) => !isTaken(effect, this.runs, this.fleet))).toEqual([]);
  }
}
