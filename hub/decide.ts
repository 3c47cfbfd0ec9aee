import { AppError } from "../shared/errors.ts";
import { assignmentSets, type ChangedSet } from "./assign/assign.ts";
import { type Change, stopped } from "./changes.ts";
import { notice } from "./notices.ts";
import type { FleetMember } from "./registry/site.ts";
import type { Notice, SeenRollout, SiteAssignment } from "./registry/store.ts";
import { type Because, inWordsJobs } from "./rollout/because.ts";
import { nextLook } from "./rollout/next-look.ts";
import { isOver, isTaken, Meetings, placeAfter, queueInputs } from "./rollout/queue.ts";
import type { Effect, Input, Run, Target } from "./rollout/run.ts";
import { startRun } from "./rollout/start.ts";
import { step } from "./rollout/step.ts";
import type { Tally } from "./rollout/tally.ts";

export interface World {
  fleetName: string;
  term: number;
  rootNumber: number;
  lifetimeMs: number;
  /** Oldest first. */
  runs: ReadonlyMap<string, Run>;
  members: ReadonlyMap<string, FleetMember>;
  assignments: ReadonlyMap<string, SiteAssignment>;
  /** What each run waited for when it was last looked at. */
  because: ReadonlyMap<string, Because>;
}

/** What happened since the last decision. */
export interface News {
  changes: readonly Change[];
  /** By run. */
  inputs: ReadonlyMap<string, readonly Input[]>;
}

/** What the last decision left for the next one, and whom something happened to since. It costs that and not the fleet. */
export interface Since {
  kept: Kept;
  /** Sites whose member is not the one that the last decision saw. */
  changed: ReadonlySet<string>;
}

export interface Kept {
  /** By run. */
  tallies: ReadonlyMap<string, Tally>;
  meetings: Meetings;
  term: number;
  rootNumber: number;
  /** When the sets of all sites were looked through. */
  sweptAt: number;
  /** When time alone may decide something next, beside what was decided now. */
  lookAt: number;
}

/** To be stored in one transaction, before anything of it is said to anyone. */
export interface Decision {
  runs: readonly Run[];
  sets: readonly ChangedSet[];
  rollouts: readonly SeenRollout[];
  notices: readonly Notice[];
  because: ReadonlyMap<string, Because>;
  /** For the next decision, once this one is stored. */
  kept: Kept;
}

/** So long nobody looks where nothing happens and nothing is due. */
export const REST_MS = 60_000;
/** Sets expire after weeks and are issued anew at half of that: to within this share of their life is soon enough. */
const SWEEPS_A_LIFE = 100;

/**
 * One turn of all rollouts: files that changed become runs, runs take a step, and their effects become assignment sets. Without
 * `since` everything is looked at, and the same is decided.
 */
export function decide(world: World, { changes, inputs }: News, now: number, since?: Since): Decision {
  const turn = new Turn(world, inputs, now, since);
  for (const change of changes) turn.takeChange(change);
  return turn.end();
}

class Turn {
  private readonly world: World;
  private readonly now: number;
  private readonly runs: Map<string, Run>;
  private readonly inputs: Map<string, Input[]>;
  private readonly rollouts: SeenRollout[] = [];
  private readonly notices: Notice[] = [];
  private readonly since: Since | undefined;

  constructor(world: World, inputs: News["inputs"], now: number, since: Since | undefined) {
    this.world = world;
    this.now = now;
    this.since = since;
    this.runs = new Map(world.runs);
    this.inputs = new Map([...inputs].map(([run, list]) => [run, [...list]]));
  }

  takeChange(change: Change): void {
    const { name, commit } = change.seen;
    const runs = [...this.runs.values()].filter((run) => run.rollout === name && !isOver(run));
    switch (change.kind) {
      case "start":
        this.start(change, runs);
        return;
      case "restored":
        this.rollouts.push(change.seen);
        for (const run of runs) {
          if (run.phase.kind !== "paused" || run.phase.because.kind !== "file") continue;
          this.input(run, {
            kind: "resume",
            who: `commit ${commit}`,
            reason: "the file says again what this run does",
          });
        }
        return;
      case "stopped":
        this.rollouts.push(change.seen);
        this.notices.push(notice(this.now, "refused", `rollout ${name}: ${change.words}`, change.code));
        for (const run of runs) this.input(run, { kind: "file", words: change.words });
    }
  }

  end(): Decision {
    const { world, now, since } = this;
    const because = new Map<string, Because>();
    const tallies = new Map<string, Tally>();
    const meetings = new Meetings(since?.kept.meetings);
    let lookAt = now + REST_MS;
    const effects: Effect[] = [];
    for (const run of this.runs.values()) {
      if (isOver(run) && world.because.has(run.id)) continue;
      // What people ask is judged by who moves its sites now.
      const inputs = [
        ...queueInputs(run, this.runs, now, meetings),
        ...(this.inputs.get(run.id) ?? []),
        ...this.promotions(run),
      ];
      const tally = since?.kept.tallies.get(run.id);
      const result = step(run, world.members, inputs, now, tally && { tally, changed: since?.changed ?? [] });
      this.runs.set(run.id, result.run);
      because.set(run.id, result.because);
      if (result.tally !== null) {
        tallies.set(run.id, result.tally);
        lookAt = Math.min(lookAt, nextLook(result.run, result.tally, now));
      }
      effects.push(...result.effects);
    }
    for (const effect of effects) {
      if (effect.kind !== "notice") continue;
      const where = effect.site === null ? "" : `${effect.site}: `;
      this.notices.push(notice(now, "run", where + effect.words, effect.code));
    }
    const concerned = this.concerned();
    const { term, rootNumber } = world;
    return {
      runs: [...this.runs.values()].filter((run) => world.runs.get(run.id) !== run),
      sets: this.sets(effects, concerned),
      rollouts: this.rollouts,
      notices: this.notices,
      because,
      kept: {
        tallies,
        meetings,
        term,
        rootNumber,
        lookAt,
        sweptAt: concerned === null ? now : (since?.kept.sweptAt ?? now),
      },
    };
  }

  /** Whose set may have to be replaced beside those that a run has something for; null: everybody's. */
  private concerned(): Iterable<string> | null {
    const { world, now, since } = this;
    if (since === undefined) return null;
    const { term, rootNumber, sweptAt } = since.kept;
    const isDue = now < sweptAt || now - sweptAt >= world.lifetimeMs / SWEEPS_A_LIFE;
    if (isDue || term !== world.term || rootNumber !== world.rootNumber) return null;
    // How often a site reports hangs on which wave is open.
    const moved = [...this.runs.values()].filter((run) => hasMovedOn(world.runs.get(run.id), run));
    return [...since.changed, ...moved.flatMap(({ sites }) => [...sites].map(([site]) => site))];
  }

  private start(change: Extract<Change, { kind: "start" }>, older: readonly Run[]): void {
    const { seen, spec, target, back, startedBy, reason } = change;
    const id = this.nextId(seen.name);
    let run: Run;
    try {
      const known = this.knownTargets(target);
      // By the file alone, so that `skerry rollout plan` shows beforehand what will be.
      const seed = seen.sha256 ?? seen.commit;
      const by = { ...(startedBy !== null && { startedBy }), ...(reason !== undefined && { reason }) };
      const start = {
        id,
        rollout: seen.name,
        commit: seen.commit,
        spec,
        target,
        back,
        seed,
        known,
        ...by,
        ...placeAfter(older),
      };
      run = startRun(start, [...this.world.members.values()], this.now);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { where = "", fix, cause } = error;
      const placed = where.startsWith("/") ? change.where(where) : where;
      this.takeChange(
        stopped(seen, new AppError(error.code, error.message, { where: placed, cause, ...(fix && { fix }) })),
      );
      return;
    }
    for (const other of older) this.input(other, { kind: "superseded", by: id });
    this.runs.set(id, run);
    this.rollouts.push(seen);
    const { waves, left } = run.plan;
    const sites = `${run.sites.size} sites in ${waves.length} waves`;
    const others = left.length === 0 ? "" : `, ${left.length} left out`;
    const whose = reason === undefined ? "" : `; started by ${startedBy}: ${reason}`;
    const words = `${id} planned: ${target.bundle} ${target.version} for ${sites}${others}${whose}${inWordsJobs(run.ran ?? [])}`;
    this.notices.push(notice(this.now, "run", words));
  }

  /** What earlier runs brought of the bundle: where a run that fails may send its sites back to. */
  private knownTargets(of: Target): Target[] {
    const known = new Map<string, Target>();
    for (const { target } of this.runs.values()) {
      const isOther = target.digest !== of.digest || target.values !== of.values;
      if (target.bundle === of.bundle && isOther) known.set(`${target.digest} ${target.values}`, target);
    }
    return [...known.values()];
  }

  /** Other rollouts that one comes after, as far as they have completed with its very target. */
  private promotions({ phase, spec, target, promoted }: Run): Input[] {
    if (phase.kind !== "planned") return [];
    return (spec.after ?? []).flatMap(({ rollout }): Input[] => {
      const other = [...this.runs.values()].findLast((each) => each.rollout === rollout);
      if (other?.phase.kind !== "completed" || other.target.digest !== target.digest) return [];
      const { at } = other.phase;
      return promoted?.[rollout] === at ? [] : [{ kind: "promoted", rollout, at }];
    });
  }

  private nextId(rollout: string): string {
    const numbers = [...this.runs.values()]
      .filter((run) => run.rollout === rollout)
      .map(({ id }) => Number(id.slice(rollout.length + 1)));
    return `${rollout}-${Math.max(0, ...numbers) + 1}`;
  }

  private input(run: Run, input: Input): void {
    this.inputs.set(run.id, [...(this.inputs.get(run.id) ?? []), input]);
  }

  private sets(effects: readonly Effect[], concerned: Iterable<string> | null): ChangedSet[] {
    const { world } = this;
    if (world.rootNumber === 0) return [];
    return assignmentSets({
      current: world.assignments,
      effects: effects.filter((effect) => !isTaken(effect, this.runs, world.members)),
      ...(concerned === null ? {} : { concerned }),
      runs: this.runs,
      fleet: world.members,
      fleetName: world.fleetName,
      term: world.term,
      rootNumber: world.rootNumber,
      now: this.now,
      lifetimeMs: world.lifetimeMs,
    });
  }
}

function hasMovedOn(before: Run | undefined, { phase }: Run): boolean {
  if (before === undefined || before.phase.kind !== phase.kind) return before !== undefined;
  return phase.kind === "rolling" && before.phase.kind === "rolling" && before.phase.wave !== phase.wave;
}
