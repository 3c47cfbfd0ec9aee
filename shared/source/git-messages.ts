import type { ErrorCode } from "../errors.ts";
import type { Pace } from "../node/http-exchange.ts";
import type { ProxyEnv } from "../node/http-proxy.ts";
import type { SignedBytes } from "../ports.ts";

/** What the parent asks of the child process that speaks Git. Heads and version ids are Git's own commit ids here. */

export interface GitRemote {
  /** Without credentials. */
  url: string;
  /** The value of the header `Authorization`. */
  authorization?: string;
  /** PEM of the authorities that may vouch for the server; without it, those that Node knows. */
  ca?: string;
  /** Where the proxy variables are looked up. */
  proxy?: ProxyEnv;
  /** Folder that the child makes, and deletes from what is broken. */
  dir: string;
  /** Milliseconds without a byte after which a connection counts as lost. */
  silenceMs: number;
  slowest?: Pace;
  /** Cap on one response of the server. */
  maxResponseBytes: number;
}

/** Something at a commit of a branch, which the child fetches when it does not have it. */
interface At {
  branch: string;
  commit: string;
}

/** A commit, as it says itself: nobody vouches for a name in Git. */
export interface GitCommit {
  commit: string;
  name: string;
  email: string;
}

export interface GitCalls {
  /** Of all branches of a fleet, or those that begin so. */
  heads: { ask: { only: readonly string[] | null }; answer: Map<string, string> };
  /** Signed JSON documents in a folder, by their name without `.json`. */
  documents: { ask: At & { folder: string; names: string[] | "all" }; answer: [string, SignedBytes][] };
  /** Commits with their subjects, newest first. */
  log: { ask: At; answer: { commit: string; subject: string }[] };
  /** One file, or its first `maxBytes` bytes; null where there is none. */
  file: { ask: At & { path: string; maxBytes: number }; answer: Uint8Array | null };
  /** Which commit on the branch brought these files to what they are; those of which the history here does not tell are left out. */
  changed: { ask: At & { paths: readonly string[] }; answer: [string, GitCommit][] };
  /** Paths of the files below a folder, sorted. */
  list: { ask: At & { folder: string }; answer: string[] };
}

export type GitCall = keyof GitCalls;
export type GitAsk = { [C in GitCall]: { call: C } & GitCalls[C]["ask"] }[GitCall];

export interface GitRequest {
  remote: GitRemote;
  ask: GitAsk;
}

export type GitReply = { answer: GitCalls[GitCall]["answer"] } | { code: ErrorCode; what: string; fix?: string };
