import type { Diff } from "../../shared/diff.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import type { NewEvent, SiteEvent } from "../../shared/event.ts";
import type { ObjectRef } from "../../shared/live.ts";
import type { Pair, Values } from "../../shared/names.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { ItemState } from "../../shared/report.ts";
import type { Held } from "../target/held.ts";

/**
 * Port `cache`: all that a site must still know after a restart with no network. Synchronous, because each write is durable
 * (committed and synced) when it returns. Held by `test/contract/cache`. Throws `AppError` `storage`.
 */
export interface Cache {
  /** Several writes as one: all or none survive a kill. Nested calls join the outer one. `effect` names it in the journal. */
  transaction<T>(effect: string, work: () => T): T;

  /** Root documents held, rising by number from the pinned one. */
  roots(): SignedBytes[];
  keepRoot(number: number, document: SignedBytes): void;
  /** The site record with the highest number. */
  record(): StoredRecord | null;
  /** The one with this number: what runs is rendered with the record that it was moved with. */
  recordAt(number: number): StoredRecord | null;
  keepRecord(record: StoredRecord): void;
  /** Forgets every record but the newest and these. */
  dropRecordsBut(needed: ReadonlySet<number>): void;
  /** The signed statement of what is newest, as last taken. */
  head(): SignedBytes | null;
  keepHead(document: SignedBytes): void;
  /** Heads of a source, by ref, whose content was taken in: what did not change since is not asked for again. */
  seen(source: string): ReadonlyMap<string, string>;
  /** Replaces what was seen of that source. */
  keepSeen(source: string, heads: ReadonlyMap<string, string>): void;

  /** Accepted manifests. */
  versions(): StoredVersion[];
  manifest(digest: string): SignedBytes | null;
  keepManifest(version: StoredVersion, document: SignedBytes): void;
  /** From now on the version can be run from disk: every file is here. */
  completeVersion(digest: string): void;
  /** Forgets a version and the blobs that no other version names. */
  dropVersion(digest: string): void;
  /** Blobs by SHA-256; `files` of a version name them. */
  hasBlob(sha256: string): boolean;
  blob(sha256: string): Uint8Array | null;
  keepBlob(sha256: string, bytes: Uint8Array): void;

  /** Content that was refused, so that it is not fetched again with every poll. One row by (bundle, id). */
  refusals(): Refusal[];
  keepRefusal(refusal: Refusal): void;
  dropRefusal(bundle: string, id: string): void;

  holds(): Hold[];
  keepHold(hold: Hold): void;
  /** By bundle: what somebody at the site had it take, without the hub. */
  adoptions(): ReadonlyMap<string, Adoption>;
  keepAdoption(bundle: string, adoption: Adoption): void;
  /** The site's own "not now"; null where it is not held. */
  held(): Held | null;
  keepHeld(held: Held | null): void;
  /** What was found of states that were to be prepared: one for each bundle at most. */
  prepared(): Prepared[];
  keepPrepared(prepared: Prepared): void;
  dropPrepared(bundle: string): void;
  /** By bundle; they outlive what they were raised by. */
  marks(): ReadonlyMap<string, Marks>;
  /** Each of the two rises to what is given, where that is higher, and never falls. */
  raiseMarks(bundle: string, marks: Marks): void;
  /** It was not earlier than this, ms since 1970; 0 where nothing is known. */
  floorTime(): number;
  /** Never falls. */
  raiseFloorTime(at: number): void;

  inventory(bundle: string): InventoryRow[];
  /** Inserts or replaces rows by object name. Written before the apply (`state: "intended"`), settled after it. */
  keepInventory(bundle: string, rows: readonly InventoryRow[]): void;
  dropInventory(bundle: string, objects: readonly ObjectRef[]): void;

  /** The last assignment set taken: its frame, as received. */
  assignment(): StoredAssignment | null;
  keepAssignment(assignment: StoredAssignment): void;

  counters(): Counters;
  /** Numbers for the next report: the last one used plus one, durable before it is returned. */
  takeReportNumber(): number;
  /**
   * Notes what the hub confirmed, and drops those events. A site that lost its counters takes them from here: events numbered
   * by lower ones were not taken, and are numbered anew.
   */
  acknowledge(confirmed: { report: number; event: number; frame: Uint8Array }, at: number): void;
  /** The frame of the last one that raised what is confirmed, as received; null before the first. */
  acked(): Uint8Array | null;
  /** `at` of the last of them: by the wall clock as it was then, ms; null before the first. */
  heardAt(): number | null;

  /** Where more wait than `room.ts` has room for, the oldest of low value make way for one that says how many did. */
  addEvents(events: readonly NewEvent[]): void;
  /** The oldest events that no ack confirmed, at most `max`, numbered now where they had no number yet; durable before it returns. */
  numberEvents(max: number): SiteEvent[];

  /** How many events no ack confirmed. */
  waitingEvents(): number;

  close(): void;
}

export interface StoredVersion {
  bundle: string;
  version: string;
  digest: string;
  pair: Pair;
  floor: Pair;
  /** Number of the root under which it was accepted. */
  root: number;
  files: readonly string[];
  complete: boolean;
}

export interface StoredRecord {
  number: number;
  document: SignedBytes;
  /** Number of the root under which it was accepted. */
  root: number;
}

export interface Refusal {
  bundle: string;
  /** Id of the version at its source, or the digest where that is known. */
  id: string;
  digest: string | null;
  /** Of a version that was well signed, whatever else is wrong with it; null where that is not known. */
  pair: Pair | null;
  code: ErrorCode;
  words: string;
  /** Root number and record number under which it was refused: another one may accept it. */
  root: number;
  record: number;
  /** When, by the wall clock as it was then, ms. */
  at: number;
}

/** What runs at a site for a bundle: (digest, values hash, record number), moved together. */
export interface State {
  digest: string;
  version: string;
  pair: Pair;
  floor: Pair;
  /** Hash of `given`. */
  values: string;
  /** What the hub assigned, so that a restart with no network renders the same bytes. */
  given: Values;
  record: number;
}

export interface Prepared {
  bundle: string;
  digest: string;
  values: string;
  record: number;
  /** Of what it was compared with (`prepare/basis.ts`); empty where nothing was compared. */
  basis: string;
  /** Wall clock, ms. */
  at: number;
  /** Why it is not ready; null where it is. */
  code: ErrorCode | null;
  words: string;
  /** What would change, and its hash; null where nothing was compared. */
  diff: { hash: string; changes: Diff } | null;
}

export interface Adoption {
  digest: string;
  /** Of the act: it may be tried once more by another. */
  id: string;
  /** `(term, number)` of the assignment set that was in force, null where there was none: another set from the hub ends it. */
  against: readonly [number, number] | null;
}

/** Highest committed pair, highest committed floor. */
export interface Marks {
  pair: Pair;
  floor: Pair;
}

/** One bundle at the site, as it lies on disk. */
export interface Hold {
  bundle: string;
  /** What the objects in the cluster are, or are being made to be. */
  running: State;
  state: ItemState;
  /** RFC 3339. */
  since: string;
  committed: State | null;
  /** What was committed before `committed`. */
  previous: State | null;
  /** States given up; refused until an assignment says `retry`. */
  failed: readonly FailedState[];
  /** The last move went to a higher version than what ran: it runs Jobs, and a phase without return counts. */
  up?: boolean;
  /** Jobs that the last move up began, in that order. They outlive the Jobs, and a return. */
  jobs?: readonly JobRecord[];
  /** The last phase without return that went through since something was committed. */
  passed?: { version: string; pair: Pair; phase: string };
}

/** That a Job was begun, for which version, and how it ended. */
export interface JobRecord {
  object: ObjectRef;
  digest: string;
  version: string;
  /** null until an apply answered. */
  uid: string | null;
  result: "complete" | "failed" | null;
}

export interface FailedState {
  digest: string;
  values: string;
  record: number;
  code: ErrorCode;
  /** The run that it was last tried again for: each run may ask for that once. */
  retried?: string;
}

/** What was learnt of a Job of the version that runs: that it is to be sent, its uid, how it ended. */
export interface JobChange {
  object: ObjectRef;
  uid?: string;
  result?: "complete" | "failed";
}

/** One object that is ours in the cluster, or is about to be. */
export interface InventoryRow {
  object: ObjectRef;
  /** null until an apply answered. */
  uid: string | null;
  /** Hash of the rendered object that was sent. */
  desired: string;
  /** Hashes of the answer: our managed fields, and the live object projected on them. null until an apply answered. */
  fields: string | null;
  live: string | null;
  state: "intended" | "applied";
}

export interface StoredAssignment {
  term: number;
  number: number;
  /** Identity (SPKI hash) of the assign key that signed it: `(term, number)` is ordered per key. */
  key: string;
  frame: Uint8Array;
}

export interface Counters {
  /** Last report number used; highest one confirmed by a hub. */
  report: number;
  reportAcked: number;
  event: number;
  eventAcked: number;
}
