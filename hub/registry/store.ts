import type { AssignmentSet } from "../../shared/assignment.ts";
import type { Diff } from "../../shared/diff.ts";
import type { SiteEvent } from "../../shared/event.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { Role } from "../../shared/verbs.ts";
import type { Moved } from "../../shared/verify/move.ts";
import type { CommitStatus } from "../notify/status.ts";
import type { StoredRun } from "../rollout/stored.ts";
import type { Assigned, Site } from "./site.ts";

/**
 * Port `store`: what the hub must still know after a kill. Async from the start, so that a database over a network fits.
 * Held by `test/contract/store`. Throws `AppError` `storage`.
 */
export interface Store {
  /** Everything but events and documents' history, at the start. */
  load(): Promise<HubState>;
  /**
   * The right to write, for `ms` from now: one holder at a time. Null where another holds it; its own is ended by a holder's name
   * that is given again. Time is the store's own: clocks of two hubs are never compared.
   */
  take(holder: string, ms: number): Promise<Writer | null>;
  /** Whose token has this SHA-256; null: nobody's, or nobody's any more. */
  person(hash: string): Promise<Person | null>;
  /** By name. */
  people(): Promise<Person[]>;
  /**
   * Gives a person a token, and says so in the events. Beside the lease: who sits at the machine does it, whichever hub leads. Throws
   * `busy` where one of that name has one.
   */
  admit(person: Person, notice: Notice): Promise<void>;
  /** Takes it away again; false where nobody of that name has one. */
  dismiss(name: string, notice: Notice): Promise<boolean>;
  /** What a run would change at the sites that reported this hash; null where it is not stored. */
  diff(run: string, hash: string): Promise<Diff | null>;
  /** Newest first. `before` is a row number for paging. */
  events(query: { site?: string; before?: number; limit: number }): Promise<StoredEvent[]>;
  close(): Promise<void>;
}

/** A lease on the store. Its epoch is above that of every lease before it. */
export interface Writer {
  readonly epoch: number;
  /**
   * One transaction, durable when it resolves: all of the batch or nothing. Events whose (site, number) is known are skipped. Throws
   * `fenced`, and changes nothing, from the moment at which another took a lease, ran out or not: only that counts.
   */
  commit(effect: string, batch: Batch): Promise<void>;
  /** Another `ms` from now. Throws `fenced` where another took a lease meanwhile. */
  renew(ms: number): Promise<void>;
  /** Another may take one at once. */
  release(): Promise<void>;
}

/** Somebody with a token of their own. */
export interface Person {
  /** A DNS label. */
  name: string;
  /** SHA-256 of the token, which nobody keeps. */
  hash: string;
  roles: readonly Role[];
  /** Lower case. Commits of these authors are theirs. */
  emails: readonly string[];
  createdAt: number;
}

export interface HubState {
  meta: Meta;
  sites: Site[];
  /** Oldest first. */
  runs: StoredRun[];
  assignments: SiteAssignment[];
  rollouts: SeenRollout[];
  /** By rollout: what the Git server was told last. */
  statuses: CommitStatus[];
  /** Root documents held, rising by number. */
  roots: SignedBytes[];
  records: StoredRecord[];
  /** Of the diffs that are stored, by which run and hash. */
  diffs: { run: string; hash: string }[];
}

export interface Batch {
  meta?: Meta;
  sites?: readonly Site[];
  events?: readonly { site: string; at: number; event: SiteEvent }[];
  /** Of a run's sites those rows that changed: a run of a hundred thousand is not written whole for one of them. Its plan is written once. */
  runs?: readonly StoredRun[];
  assignments?: readonly SiteAssignment[];
  rollouts?: readonly SeenRollout[];
  statuses?: readonly CommitStatus[];
  root?: { number: number; document: SignedBytes };
  records?: readonly StoredRecord[];
  /** Things the hub itself did or refused, for the event list: `site` is empty. */
  notices?: readonly Notice[];
  diffs?: readonly StoredDiff[];
  /** Runs whose diffs go. */
  undiffed?: readonly string[];
}

/** What sites showed that a run would change there. */
export interface StoredDiff {
  run: string;
  /** As reports name it. */
  hash: string;
  diff: Diff;
}

/** A site record as it was accepted, so that a hub without network knows its sites. */
export interface StoredRecord {
  site: string;
  /** Number of the root under which it was accepted. */
  root: number;
  document: SignedBytes;
}

export interface Meta {
  /** Fences an older hub; rises when a hub was restored. */
  term: number;
}

export interface StoredEvent {
  row: number;
  /** Empty for the hub's own. */
  site: string;
  /** When the hub stored it, ms. */
  at: number;
  event: SiteEvent;
}

export interface Notice {
  at: number;
  event: SiteEvent;
}

/** The current assignment set of a site, with the frame that is (or shall be) retained on the bus. */
export interface SiteAssignment {
  site: string;
  set: AssignmentSet;
  frame: Uint8Array;
  /** By bundle. */
  assigned: Readonly<Record<string, Assigned>>;
  /** False: stored, and not yet known to be on the bus. */
  published: boolean;
}

/** The content of a rollout file that a run was last started (or refused) for: the same content starts nothing twice. */
export interface SeenRollout {
  name: string;
  commit: string;
  /** SHA-256 of the file; null: the file was deleted. */
  sha256: string | null;
  /** The version the file named, where it could be read. */
  version: string | null;
  /** Why nothing was started for it, for a person; null where it was. */
  refused: string | null;
  /** The newest order that was taken for the file; left out where none was ever asked for. */
  move?: Moved;
}
