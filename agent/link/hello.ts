import type { AssignmentSet } from "../../shared/assignment.ts";
import type { Hello } from "../../shared/protocol.ts";
import type { Cache } from "../cache/cache.ts";

export interface Greeting {
  boot: string;
  agent: string;
  /** In force. */
  set: AssignmentSet | null;
  /** Numbers held; 0 before the first. */
  root: number;
  record: number;
}

/** What is said on each connect. What a hub told the site is shown as that hub signed it: one that was restored believes nobody's bare word. */
export function helloOf(cache: Pick<Cache, "counters" | "assignment" | "acked">, greeting: Greeting): Hello {
  const { boot, agent, set, root, record } = greeting;
  const { reportAcked, eventAcked } = cache.counters();
  const assign = set === null ? null : (cache.assignment()?.frame ?? null);
  const ack = cache.acked();
  const shown = { ...(assign && { assign: base64(assign) }), ...(ack && { ack: base64(ack) }) };
  return {
    boot,
    agent,
    ...(set === null ? {} : { assignment: [set.term, set.number] as [number, number] }),
    report: reportAcked,
    event: eventAcked,
    root,
    record,
    ...((assign ?? ack) && { shown }),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
