import type { Hold, InventoryRow, Refusal, State, StoredRecord, StoredVersion } from "../../../agent/cache/cache.ts";
import type { NewEvent } from "../../../shared/event.ts";
import type { ObjectRef } from "../../../shared/live.ts";
import type { SignedBytes } from "../../../shared/ports.ts";

export function signed(text: string): SignedBytes {
  return {
    body: new TextEncoder().encode(text),
    signatures: new Map([
      ["second", `${text} by second`],
      ["first", `${text} by first`],
    ]),
  };
}

export function record(number: number, root: number, document: SignedBytes): StoredRecord {
  return { number, root, document };
}

export function version(digest: string, changes: Partial<StoredVersion> = {}): StoredVersion {
  return {
    bundle: "pos",
    version: "1.4.2",
    digest,
    pair: [1, 7],
    floor: [1, 6],
    root: 3,
    files: ["f1", "f2"],
    complete: false,
    ...changes,
  };
}

export function state(seq: number): State {
  return { digest: `d${seq}`, version: `1.${seq}.0`, pair: [1, seq], floor: [1, 1], values: "", given: {}, record: 4 };
}

export function hold(bundle: string, changes: Partial<Hold> = {}): Hold {
  return {
    bundle,
    running: state(7),
    state: "verifying",
    since: "2026-11-02T08:00:00Z",
    committed: state(6),
    previous: null,
    failed: [{ digest: "d5", values: "", record: 4, code: "unhealthy" }],
    ...changes,
  };
}

export function object(name: string, namespace = "shop"): ObjectRef {
  return { apiVersion: "apps/v1", kind: "Deployment", namespace, name };
}

export function row(name: string, changes: Partial<InventoryRow> = {}): InventoryRow {
  return { object: object(name), uid: null, desired: "h1", fields: null, live: null, state: "intended", ...changes };
}

export function refusal(bundle: string, id: string, changes: Partial<Refusal> = {}): Refusal {
  return {
    bundle,
    id,
    digest: null,
    pair: null,
    code: "threshold",
    words: "1 of 2 keys",
    root: 1,
    at: 1_790_000_000_000,
    record: 4,
    ...changes,
  };
}

export function event(words: string): NewEvent {
  return { at: "2026-11-02T08:00:00Z", kind: "applying", bundle: "pos", words };
}
