import type { Act, HubView, Snapshot, Start } from "../../../hub/api/snapshot.ts";
import type { Person, StoredEvent } from "../../../hub/registry/store.ts";
import type { WayBack } from "../../../hub/rollout/offer.ts";
import type { Diff } from "../../../shared/diff.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/ports.ts";
import { NOBODY_AWAY, some } from "../rollout/samples.ts";
import { runOf, seen, snapshotOf } from "./sample.ts";

/** A hub of which the test says what it shows. */
export class ScriptedHub implements HubView {
  readonly acts: Act[] = [];
  readonly stored: StoredEvent[] = [];
  /** Called before a verb is carried out. */
  beforeAct: () => void = () => {};
  reads = 0;
  #snapshot: Snapshot;
  readonly #watchers = new Set<() => void>();

  constructor(snapshot: Snapshot = snapshotOf()) {
    this.#snapshot = snapshot;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  read(): Snapshot {
    this.reads += 1;
    return this.#snapshot;
  }

  show(more: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...more };
    for (const watcher of this.#watchers) watcher();
  }

  subscribe(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  async events({ site, before = Number.POSITIVE_INFINITY, limit }: Parameters<HubView["events"]>[0]) {
    const rows = this.stored.filter((row) => row.row < before && (site === undefined || row.site === site));
    return rows.toSorted((a, b) => b.row - a.row).slice(0, limit);
  }

  back: WayBack = { sites: 0, left: [], jobs: [] };

  wayBack(run: string): WayBack | null {
    return this.#snapshot.runs.some(({ run: { id } }) => id === run) ? this.back : null;
  }

  /** By run and hash. */
  readonly diffs = new Map<string, Diff>();

  async diff(run: string, hash: string) {
    return this.diffs.get(`${run} ${hash}`) ?? null;
  }

  /** By hash. */
  readonly people = new Map<string, Person>();

  async person(hash: string) {
    return this.people.get(hash) ?? null;
  }

  wakes = 0;

  wake(): void {
    this.wakes += 1;
  }

  readonly starts: Start[] = [];

  async startAgain(start: Start) {
    this.starts.push(start);
    const last = this.#snapshot.runs.findLast(({ run }) => run.rollout === start.rollout);
    if (last === undefined) throw new AppError("not-found", `no run of a rollout ${start.rollout} was ever started`);
    const run = { ...last.run, id: `${last.run.id}0`, startedBy: start.who, phase: { kind: "planned" } as const };
    this.show({ runs: [...this.#snapshot.runs, seen(run, last.because)] });
    return run;
  }

  async act(act: Act) {
    this.acts.push(act);
    this.beforeAct();
    const now = this.#snapshot.runs.find(({ run }) => run.id === act.run);
    if (now === undefined) throw new AppError("not-found", `there is no run ${act.run}`);
    if (now.run.phase.kind !== "rolling") throw new AppError("usage", "not in this phase");
    const why = { kind: "person", who: act.who, reason: act.reason } as const;
    const run = {
      ...now.run,
      phase: { kind: "paused", because: why, resume: { wave: 0 }, since: this.#snapshot.now } as const,
    };
    this.show({ runs: [seen(run, { kind: "paused", why })] });
    return run;
  }
}

/** One run, pos-2, rolling in its wave lab. */
export function rollingHub(): ScriptedHub {
  const because = {
    kind: "moving",
    wave: "lab",
    healthy: 0,
    of: 1,
    needed: 1,
    waitingFor: some("applying", "s-1"),
    ...NOBODY_AWAY,
  } as const;
  return new ScriptedHub(snapshotOf({ runs: [seen(runOf({ "s-1": [0, "applying"] }), because)] }));
}

export const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
