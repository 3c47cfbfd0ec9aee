import type { CommitStatus } from "../../../hub/notify/status.ts";
import { newSite } from "../../../hub/registry/fold.ts";
import type { Site } from "../../../hub/registry/site.ts";
import type { Batch, Notice, SeenRollout, SiteAssignment, StoredRecord } from "../../../hub/registry/store.ts";
import type { SiteProgress } from "../../../hub/rollout/run.ts";
import type { StoredRun } from "../../../hub/rollout/stored.ts";
import type { SiteEvent } from "../../../shared/event.ts";
import type { SignedBytes } from "../../../shared/ports.ts";
import { type Outcome, withDefaults } from "../../../shared/rollout.ts";

const AT = "2026-11-02T08:00:00Z";

export function signed(text: string): SignedBytes {
  return { body: new TextEncoder().encode(text), signatures: new Map([["root", `${text} by root`]]) };
}

export function record(site: string, text: string): StoredRecord {
  return { site, root: 2, document: signed(text) };
}

export function site(id: string, changes: Partial<Site> = {}): Site {
  const report = { number: 3, boot: "00112233445566aa", root: 1, record: 1, at: AT, synced: true, items: [] };
  return { ...newSite(id), heardAt: 1_000, report: { body: report, at: 1_000 }, event: 4, ...changes };
}

export function run(id: string, changes: Partial<StoredRun["run"]> = {}, sites: StoredRun["sites"] = []): StoredRun {
  const stored: StoredRun["run"] = {
    id,
    rollout: "pos",
    commit: "c1",
    spec: withDefaults({ kind: "Rollout/v1", bundle: "pos", version: "1.4.2", sites: { role: "store" } }),
    target: {
      bundle: "pos",
      version: "1.4.2",
      digest: "d1",
      pair: [1, 7],
      floor: [1, 6],
      given: { REPLICAS: 2 },
      values: "0011223344556677",
    },
    plan: { seed: "s", waves: [], left: [], doubly: [] },
    startedAt: 1_000,
    phase: { kind: "rolling", wave: 0, step: "opening", since: 1_000 },
    back: false,
    ...changes,
  };
  return { run: stored, sites };
}

export function progress(wave: number, outcome: Outcome = "pending"): SiteProgress {
  return { wave, outcome, since: 1_000, assignedAt: null, dueAt: null, code: null };
}

export function assignment(of: string, changes: Partial<SiteAssignment> = {}): SiteAssignment {
  return {
    site: of,
    set: { fleet: "shops", site: of, term: 1, number: 5, root: 1, expires: AT, items: [] },
    frame: new Uint8Array([0, 255, 1]),
    assigned: { pos: { run: "r1", digest: "d1", values: "", record: 4, introduced: [1, 5], at: 1_000 } },
    published: false,
    ...changes,
  };
}

export function seen(name: string, changes: Partial<SeenRollout> = {}): SeenRollout {
  return { name, commit: "c1", sha256: "h1", version: "1.4.2", refused: null, ...changes };
}

export function status(rollout: string, state: CommitStatus["state"] = "pending"): CommitStatus {
  return { rollout, commit: "c1", state, words: "moves" };
}

export function event(number: number, words = `event ${number}`): SiteEvent {
  return { number, at: AT, kind: "committed", bundle: "pos", words };
}

export function notice(words: string): Notice {
  return { at: 2_000, event: { number: 1, at: AT, kind: "refused", code: "sender", words } };
}

/** One of everything. */
export const everything: Batch = {
  meta: { term: 3 },
  sites: [site("s1")],
  runs: [run("r1", {}, [["s1", progress(0)]])],
  assignments: [assignment("s1")],
  rollouts: [seen("pos")],
  statuses: [status("pos")],
  diffs: [{ run: "r1", hash: "h1", diff: { objects: [], unchanged: 1 } }],
  records: [record("s1", "record")],
  root: { number: 1, document: signed("root") },
  events: [{ site: "s1", at: 1_000, event: event(4) }],
  notices: [notice("started")],
};
