import type {
  Adoption,
  Cache,
  Counters,
  Hold,
  InventoryRow,
  Marks,
  Prepared,
  Refusal,
  StoredAssignment,
  StoredRecord,
  StoredVersion,
} from "../../agent/cache/cache.ts";
import { makeRoom } from "../../agent/cache/room.ts";
import type { Held } from "../../agent/target/held.ts";
import type { NewEvent } from "../../shared/event.ts";
import { nameOf, type ObjectRef } from "../../shared/live.ts";
import { comparePairs, type Pair } from "../../shared/names.ts";
import { type Journal, type SignedBytes, silent } from "../../shared/ports.ts";
import { transactions } from "./transaction.ts";

/** Values are replaced, never changed in place; maps too. */
interface State {
  roots: Map<number, SignedBytes>;
  records: Map<number, StoredRecord>;
  head: SignedBytes | null;
  seen: Map<string, ReadonlyMap<string, string>>;
  versions: Map<string, { version: StoredVersion; document: SignedBytes }>;
  blobs: Map<string, Uint8Array>;
  refusals: Map<string, Refusal>;
  holds: Map<string, Hold>;
  adoptions: Map<string, Adoption>;
  held: Held | null;
  prepared: Map<string, Prepared>;
  marks: Map<string, Marks>;
  floorTime: number;
  inventory: Map<string, { bundle: string; row: InventoryRow }>;
  assignment: StoredAssignment | null;
  counters: Counters;
  acked: Uint8Array | null;
  heardAt: number | null;
  outbox: { number: number | null; event: NewEvent }[];
}

/** The cache without a disk: what it holds outlives a kill that `journal` plays by throwing, and `close`. */
export function memoryCache({
  journal = silent,
  copy: out = cloned,
}: {
  journal?: Journal;
  /** As from a disk: what the caller does to its own value changes nothing here, and the other way round. */
  copy?: <T>(value: T) => T;
} = {}): Cache {
  let state: State = {
    roots: new Map(),
    records: new Map(),
    head: null,
    seen: new Map(),
    versions: new Map(),
    blobs: new Map(),
    refusals: new Map(),
    holds: new Map(),
    adoptions: new Map(),
    held: null,
    prepared: new Map(),
    marks: new Map(),
    floorTime: 0,
    inventory: new Map(),
    assignment: null,
    counters: { report: 0, reportAcked: 0, event: 0, eventAcked: 0 },
    acked: null,
    heardAt: null,
    outbox: [],
  };
  const transaction = transactions<State>(journal, {
    get: () => state,
    set: (other) => {
      state = other;
    },
    copy: (from) => ({ ...from }),
  });
  const raise = ({ report, event }: { report: number; event: number }) => {
    const { counters } = state;
    if (event > counters.event) state.outbox = state.outbox.map(({ event }) => ({ number: null, event }));
    state.counters = {
      ...counters,
      report: Math.max(counters.report, report),
      event: Math.max(counters.event, event),
    };
  };

  return {
    transaction,
    roots: () => sortedBy([...state.roots.entries()], ([number]) => [number]).map(([, document]) => out(document)),
    keepRoot: (number, document) => {
      transaction("cache.keepRoot", () => {
        state.roots = put(state.roots, number, out(document));
      });
    },
    record: () => out(sortedBy([...state.records.values()], ({ number }) => [number]).at(-1) ?? null),
    recordAt: (number) => out(state.records.get(number) ?? null),
    keepRecord: (record) => {
      transaction("cache.keepRecord", () => {
        state.records = put(state.records, record.number, out(record));
      });
    },
    dropRecordsBut: (needed) => {
      transaction("cache.dropRecordsBut", () => {
        const newest = Math.max(...state.records.keys());
        for (const number of state.records.keys())
          if (number !== newest && !needed.has(number)) state.records = drop(state.records, number);
      });
    },
    head: () => out(state.head),
    keepHead: (document) => {
      transaction("cache.keepHead", () => {
        state.head = out(document);
      });
    },
    seen: (source) => new Map(state.seen.get(source)),
    keepSeen: (source, heads) => {
      transaction("cache.keepSeen", () => {
        state.seen = put(state.seen, source, new Map(heads));
      });
    },

    versions: () =>
      sortedBy([...state.versions.values()], ({ version }) => [version.bundle, ...version.pair, version.digest]).map(
        ({ version }) => out(version),
      ),
    manifest: (digest) => out(state.versions.get(digest)?.document ?? null),
    keepManifest: (version, document) => {
      transaction("cache.keepManifest", () => {
        state.versions = put(state.versions, version.digest, out({ version, document }));
      });
    },
    completeVersion: (digest) => {
      transaction("cache.completeVersion", () => {
        const held = state.versions.get(digest);
        if (held !== undefined)
          state.versions = put(state.versions, digest, { ...held, version: { ...held.version, complete: true } });
      });
    },
    dropVersion: (digest) => {
      transaction("cache.dropVersion", () => {
        const files = state.versions.get(digest)?.version.files ?? [];
        state.versions = drop(state.versions, digest);
        const named = new Set([...state.versions.values()].flatMap(({ version }) => version.files));
        for (const file of files) if (!named.has(file)) state.blobs = drop(state.blobs, file);
      });
    },
    hasBlob: (sha256) => state.blobs.has(sha256),
    blob: (sha256) => out(state.blobs.get(sha256) ?? null),
    keepBlob: (sha256, bytes) => {
      transaction("cache.keepBlob", () => {
        state.blobs = put(state.blobs, sha256, out(bytes));
      });
    },

    refusals: () => sortedBy([...state.refusals.values()], ({ bundle, id }) => [bundle, id]).map(out),
    keepRefusal: (refusal) => {
      transaction("cache.keepRefusal", () => {
        state.refusals = put(state.refusals, `${refusal.bundle}\n${refusal.id}`, out(refusal));
      });
    },
    dropRefusal: (bundle, id) => {
      transaction("cache.dropRefusal", () => {
        state.refusals = drop(state.refusals, `${bundle}\n${id}`);
      });
    },

    holds: () => sortedBy([...state.holds.values()], ({ bundle }) => [bundle]).map(out),
    keepHold: (hold) => {
      transaction("cache.keepHold", () => {
        state.holds = put(state.holds, hold.bundle, out(hold));
      });
    },
    adoptions: () => new Map(sortedBy([...state.adoptions.entries()], ([bundle]) => [bundle]).map(out)),
    keepAdoption: (bundle, adoption) => {
      transaction("cache.keepAdoption", () => {
        state.adoptions = put(state.adoptions, bundle, out(adoption));
      });
    },
    held: () => out(state.held),
    keepHeld: (held) => {
      transaction("cache.keepHeld", () => {
        state.held = out(held);
      });
    },
    prepared: () => sortedBy([...state.prepared.values()], ({ bundle }) => [bundle]).map(out),
    keepPrepared: (prepared) => {
      transaction("cache.keepPrepared", () => {
        state.prepared = put(state.prepared, prepared.bundle, out(prepared));
      });
    },
    dropPrepared: (bundle) => {
      transaction("cache.dropPrepared", () => {
        state.prepared = drop(state.prepared, bundle);
      });
    },
    marks: () => new Map(sortedBy([...state.marks.entries()], ([bundle]) => [bundle]).map(out)),
    raiseMarks: (bundle, marks) => {
      transaction("cache.raiseMarks", () => {
        const held = state.marks.get(bundle) ?? marks;
        state.marks = put(
          state.marks,
          bundle,
          out({ pair: higher(held.pair, marks.pair), floor: higher(held.floor, marks.floor) }),
        );
      });
    },
    floorTime: () => state.floorTime,
    raiseFloorTime: (at) => {
      transaction("cache.raiseFloorTime", () => {
        state.floorTime = Math.max(state.floorTime, at);
      });
    },

    inventory: (bundle) =>
      sortedBy(
        [...state.inventory.values()].filter((entry) => entry.bundle === bundle),
        ({ row: { object } }) => [object.apiVersion, object.kind, object.namespace, object.name],
      ).map(({ row }) => out(row)),
    keepInventory: (bundle, rows) => {
      transaction("cache.keepInventory", () => {
        for (const row of rows) state.inventory = put(state.inventory, keyOf(bundle, row.object), out({ bundle, row }));
      });
    },
    dropInventory: (bundle, objects) => {
      transaction("cache.dropInventory", () => {
        for (const object of objects) state.inventory = drop(state.inventory, keyOf(bundle, object));
      });
    },

    assignment: () => out(state.assignment),
    keepAssignment: (assignment) => {
      transaction("cache.keepAssignment", () => {
        state.assignment = out(assignment);
      });
    },

    counters: () => ({ ...state.counters }),
    takeReportNumber: () =>
      transaction("cache.takeReportNumber", () => {
        state.counters = { ...state.counters, report: state.counters.report + 1 };
        return state.counters.report;
      }),
    heardAt: () => state.heardAt,
    acked: () => out(state.acked),
    acknowledge: (confirmed, at) => {
      transaction("cache.acknowledge", () => {
        state.heardAt = at;
        raise(confirmed);
        const { reportAcked, eventAcked } = state.counters;
        if (confirmed.report > reportAcked || confirmed.event > eventAcked) state.acked = out(confirmed.frame);
        state.counters = {
          ...state.counters,
          reportAcked: Math.max(state.counters.reportAcked, confirmed.report),
          eventAcked: Math.max(state.counters.eventAcked, confirmed.event),
        };
        state.outbox = state.outbox.filter(({ number }) => number === null || number > confirmed.event);
      });
    },

    addEvents: (events) => {
      transaction("cache.addEvents", () => {
        state.outbox = [...state.outbox, ...events.map((event) => ({ number: null, event: out(event) }))];
        const waiting = state.outbox.flatMap(({ number, event }, id) => (number === null ? [{ id, event }] : []));
        const room = makeRoom(waiting);
        if (room === null) return;
        const kept = state.outbox.filter((_, id) => !room.drop.includes(id));
        state.outbox = [...kept, { number: null, event: room.instead }];
      });
    },
    waitingEvents: () => state.outbox.length,
    numberEvents: (max) =>
      transaction("cache.numberEvents", () => {
        let last = state.counters.event;
        const numbered = state.outbox.slice(0, max).map(({ number, event }) => {
          if (number === null) last += 1;
          return { number: number ?? last, event };
        });
        state.outbox = [...numbered, ...state.outbox.slice(max)];
        state.counters = { ...state.counters, event: last };
        return numbered.map(({ number, event }) => ({ ...out(event), number }));
      }),

    close: () => {},
  };
}

function put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): Map<K, V> {
  return new Map(map).set(key, value);
}

function drop<K, V>(map: ReadonlyMap<K, V>, key: K): Map<K, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

function higher(a: Pair, b: Pair): Pair {
  return comparePairs(a, b) < 0 ? b : a;
}

function keyOf(bundle: string, object: ObjectRef): string {
  return `${bundle}\n${nameOf(object)}`;
}

function sortedBy<T>(values: readonly T[], keyOf: (value: T) => readonly (string | number)[]): T[] {
  if (values.length < 2) return [...values];
  return values.toSorted((a, b) => {
    const theirs = keyOf(b);
    for (const [index, ours] of keyOf(a).entries()) {
      const other = theirs[index] ?? ours;
      if (ours !== other) return ours < other ? -1 : 1;
    }
    return 0;
  });
}

/** Of one value: as an argument of `map` it is given more. */
function cloned<T>(value: T): T {
  return structuredClone(value);
}
