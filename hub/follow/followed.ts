import type { AppError } from "../../shared/errors.ts";
import type { Pair } from "../../shared/names.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import type { Rollout } from "../../shared/rollout.ts";
import type { Source, VersionRef } from "../../shared/source/source.ts";
import type { Variable } from "../../shared/variable.ts";
import type { HeldRoot } from "../../shared/verify/chain.ts";
import type { VerifiedHead } from "../../shared/verify/head.ts";
import type { Moved } from "../../shared/verify/move.ts";
import type { VerifiedRecord } from "../../shared/verify/record.ts";

/** A source that is the fleet repository: beside documents and bundles it has files that people write. */
export interface FleetSource extends Source {
  /** Files below a folder at a head, sorted by path, which begins with the folder. */
  files(head: string, folder: string): Promise<{ path: string; bytes: Uint8Array }[]>;
  /** Which commit brought these files to what they are, by path, as far as that is known. */
  changed(head: string, paths: readonly string[]): Promise<ReadonlyMap<string, FileCommit>>;
}

/** A commit, as it says itself: nobody vouches for a name in Git. */
export interface FileCommit {
  commit: string;
  name: string;
  email: string;
}

/** What the fleet repository says, as far as it was verified. Always the whole of it, so that a lost outcome costs nothing. */
export interface Followed {
  /** From the pinned root to the newest, rising by one. */
  roots: readonly HeldRoot[];
  records: ReadonlyMap<string, HeldRecord>;
  /** The newest statement of what is newest; null where the repository has none that holds. */
  head: HeldHead | null;
  /** By name, then by version. */
  bundles: ReadonlyMap<string, ReadonlyMap<string, Version>>;
  /** null: nothing may be concluded from the files now, because something else could not be read. */
  rollouts: ReadonlyMap<string, RolloutRead> | null;
  /** Everything that is refused at present, by what it is. */
  refusals: ReadonlyMap<string, AppError>;
}

export interface HeldHead {
  head: VerifiedHead;
  document: SignedBytes;
}

export interface HeldRecord {
  record: VerifiedRecord;
  document: SignedBytes;
  /** Number of the root under which it was accepted: it is read under that one again after a restart. */
  root: number;
  /** The newest root does not stand behind it any more, and why: until it is signed anew, its site gets nothing new. */
  left: { root: number; error: AppError } | null;
}

export type Version =
  | {
      kind: "accepted";
      ref: VersionRef;
      digest: string;
      pair: Pair;
      floor: Pair;
      variables: Readonly<Record<string, Variable>>;
      filesChecked: boolean;
    }
  | { kind: "refused"; error: AppError };

/**
 * A file `rollouts/<name>.yaml`. `commit` is the one that brought it to what it is, `author` who wrote that, where it is known; `move` the
 * order that was signed for it, where the root asks for one.
 */
export type RolloutRead = { commit: string; author: FileCommit | null; sha256: string; move: Moved | null } & (
  | { kind: "read"; spec: Rollout; where(pointer: string): string }
  | { kind: "refused"; error: AppError }
);
