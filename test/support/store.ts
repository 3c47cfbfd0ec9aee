import type { CommitStatus } from "../../hub/notify/status.ts";
import type { Site } from "../../hub/registry/site.ts";
import type {
  HubState,
  Meta,
  Notice,
  Person,
  SeenRollout,
  SiteAssignment,
  Store,
  StoredDiff,
  StoredEvent,
  StoredRecord,
  Writer,
} from "../../hub/registry/store.ts";
import type { SiteProgress } from "../../hub/rollout/run.ts";
import type { StoredRun } from "../../hub/rollout/stored.ts";
import { AppError } from "../../shared/errors.ts";
import type { Machine } from "../../shared/node/machine.ts";
import { type Journal, type SignedBytes, silent } from "../../shared/ports.ts";
import { FakeMachine } from "./machine.ts";
import { transactions } from "./transaction.ts";

/** Values are replaced, never changed in place; maps too, where a kill may be played. */
interface State {
  meta: Meta;
  lease: { epoch: number; holder: string; boot: string; until: number; ms: number };
  people: Map<string, Person>;
  sites: Map<string, Site>;
  runs: Map<string, { run: StoredRun["run"]; sites: Map<string, SiteProgress> }>;
  assignments: Map<string, SiteAssignment>;
  statuses: Map<string, CommitStatus>;
  rollouts: Map<string, SeenRollout>;
  diffs: Map<string, StoredDiff>;
  roots: Map<number, SignedBytes>;
  records: Map<string, StoredRecord>;
  /** Oldest first; none is ever forgotten. */
  events: StoredEvent[];
  /** By site and number. */
  known: Map<string, StoredEvent>;
}

export interface MemoryStore extends Store {
  /** What lies there, for whoever checks it. */
  readonly holds: {
    /** Of the newest lease. */
    epoch(): number;
    set(site: string): SiteAssignment["set"] | undefined;
    event(site: string, number: number): StoredEvent["event"] | undefined;
  };
  /** As a copy of the file, made now; what this returns puts it in the place of what is there then. */
  backup(): () => void;
}

/** The store without a disk: what it holds outlives a kill that `journal` plays by throwing, and `close`. */
export function memoryStore({
  journal = silent,
  machine = new FakeMachine(),
  copy: out = cloned,
}: {
  journal?: Journal;
  machine?: Machine;
  /** What is given to be stored, as it is kept. */
  copy?: <T>(value: T) => T;
} = {}): MemoryStore {
  // Nothing but a kill ends a transaction in its middle: without one nothing has to be put back.
  const isKilled = journal !== silent;
  const own = <K, V>(map: Map<K, V>) => (isKilled ? new Map(map) : map);
  let state: State = {
    meta: { term: 1 },
    lease: { epoch: 0, holder: "", boot: "", until: 0, ms: 0 },
    people: new Map(),
    sites: new Map(),
    runs: new Map(),
    assignments: new Map(),
    statuses: new Map(),
    rollouts: new Map(),
    diffs: new Map(),
    roots: new Map(),
    records: new Map(),
    events: [],
    known: new Map(),
  };
  const transaction = transactions<State>(journal, {
    get: () => state,
    set: (other) => {
      state = other;
    },
    copy: (from) => ({
      meta: from.meta,
      lease: from.lease,
      people: own(from.people),
      sites: own(from.sites),
      runs: own(from.runs),
      assignments: own(from.assignments),
      statuses: own(from.statuses),
      rollouts: own(from.rollouts),
      diffs: own(from.diffs),
      roots: own(from.roots),
      records: own(from.records),
      events: isKilled ? [...from.events] : from.events,
      known: own(from.known),
    }),
  });
  const add = (site: string, at: number, event: StoredEvent["event"]) => {
    const key = `${site} ${event.number}`;
    if (state.known.has(key)) return;
    const stored = { row: state.events.length + 1, site, at, event };
    state.known.set(key, stored);
    state.events.push(stored);
  };

  const tell = ({ at, event }: Notice) => {
    const number = state.events.filter(({ site }) => site === "").length + 1;
    add("", at, { ...event, number });
  };
  const refuseFenced = (epoch: number) => {
    if (epoch !== state.lease.epoch) throw new AppError("fenced", `another hub took over: epoch ${state.lease.epoch}`);
  };
  const isHeld = (asks: string) => {
    const { holder, boot, until, ms } = state.lease;
    const left = until - machine.now();
    return holder !== asks && boot === machine.boot && !machine.isGone(holder) && left > 0 && left <= ms;
  };
  const writer = (epoch: number): Writer => ({
    epoch,
    commit: async (effect, given) => {
      const batch = out(given);
      transaction(`store.${effect}`, () => {
        refuseFenced(epoch);
        state.meta = batch.meta ?? state.meta;
        if (batch.root !== undefined) state.roots.set(batch.root.number, batch.root.document);
        for (const each of batch.records ?? []) state.records.set(each.site, each);
        for (const each of batch.sites ?? []) state.sites.set(each.id, each);
        for (const { run, sites } of batch.runs ?? []) {
          const before = state.runs.get(run.id);
          const plan = before?.run.plan ?? run.plan;
          const rows = own(before?.sites ?? new Map<string, SiteProgress>());
          for (const [site, progress] of sites) rows.set(site, progress);
          state.runs.set(run.id, { run: { ...run, plan }, sites: rows });
        }
        for (const each of batch.assignments ?? []) state.assignments.set(each.site, each);
        for (const each of batch.statuses ?? []) state.statuses.set(each.rollout, each);
        for (const each of batch.diffs ?? []) state.diffs.set(`${each.run} ${each.hash}`, each);
        for (const [key, { run }] of state.diffs) if (batch.undiffed?.includes(run)) state.diffs.delete(key);
        for (const each of batch.rollouts ?? []) state.rollouts.set(each.name, each);
        for (const { site, at, event } of batch.events ?? []) add(site, at, event);
        for (const notice of batch.notices ?? []) tell(notice);
      });
    },
    renew: async (ms) =>
      transaction("lease.renew", () => {
        refuseFenced(epoch);
        state.lease = { ...state.lease, until: machine.now() + ms, ms };
      }),
    release: async () =>
      transaction("lease.release", () => {
        if (epoch === state.lease.epoch) state.lease = { ...state.lease, until: 0 };
      }),
  });

  return {
    load: async () => structuredClone(loaded(state)),
    take: async (holder, ms) => {
      if (isHeld(holder)) return null;
      return transaction("lease.take", () => {
        const epoch = state.lease.epoch + 1;
        state.lease = { epoch, holder, boot: machine.boot, until: machine.now() + ms, ms };
        return writer(epoch);
      });
    },
    person: async (hash) => [...state.people.values()].find((person) => person.hash === hash) ?? null,
    people: async () => byKey(state.people),
    admit: async (person, notice) =>
      transaction("store.admit", () => {
        if (state.people.has(person.name)) throw new AppError("busy", `${person.name} has a token already`);
        state.people.set(person.name, person);
        tell(notice);
      }),
    dismiss: async (name, notice) =>
      transaction("store.dismiss", () => {
        const known = state.people.delete(name);
        if (known) tell(notice);
        return known;
      }),
    diff: async (run, hash) => structuredClone(state.diffs.get(`${run} ${hash}`)?.diff ?? null),
    events: async ({ site, before = Number.MAX_SAFE_INTEGER, limit }) =>
      structuredClone(
        state.events
          .filter((stored) => stored.row < before && (site === undefined || stored.site === site))
          .toReversed()
          .slice(0, limit),
      ),
    close: async () => {},
    holds: {
      epoch: () => state.lease.epoch,
      set: (site) => state.assignments.get(site)?.set,
      event: (site, number) => state.known.get(`${site} ${number}`)?.event,
    },
    backup: () => {
      const kept = structuredClone(state);
      return () => {
        state = structuredClone(kept);
      };
    },
  };
}

function loaded(state: State): HubState {
  return {
    meta: state.meta,
    sites: byKey(state.sites),
    runs: [...state.runs.values()]
      .toSorted((a, b) => a.run.startedAt - b.run.startedAt)
      .map(({ run, sites }) => ({ run, sites: [...sites] })),
    assignments: byKey(state.assignments),
    statuses: byKey(state.statuses),
    rollouts: byKey(state.rollouts),
    roots: byKey(state.roots),
    records: byKey(state.records),
    diffs: byKey(state.diffs).map(({ run, hash }) => ({ run, hash })),
  };
}

function byKey<K extends string | number, T>(entries: ReadonlyMap<K, T>): T[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

/** Of one value: as an argument of `map` it is given more. */
function cloned<T>(value: T): T {
  return structuredClone(value);
}
