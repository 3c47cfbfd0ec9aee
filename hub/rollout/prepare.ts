import type { Outcome } from "../../shared/rollout.ts";
import type { Because } from "./because.ts";
import { ASIDE, awayOf, NEVER_COUNTED } from "./gate.ts";
import type { PauseReason, Run } from "./run.ts";
import { atLeast } from "./share.ts";
import type { Tally } from "./tally.ts";

const MAY_YET: readonly Outcome[] = ["pending", "preparing"];

export type Readiness =
  | { kind: "pass" }
  | { kind: "pause"; because: PauseReason }
  | { kind: "wait"; because: Extract<Because, { kind: "preparing" | "quorum" }> };

/**
 * May the first wave open? Counted are those that said that they are ready, or that they are not, and those that may yet say so: all
 * but the sites that are offline, held, ahead, skipped, or may not have the bundle anyway. The quorum is that of the waves.
 */
export function readyGate({ spec }: Run, tally: Tally): Readiness {
  const there = tally.count(null, ["ready"]);
  const failures = tally.count(null, ["ineligible"], ["notReady"]);
  const counted = there + failures + tally.count(null, MAY_YET);
  const reachable = counted + tally.count(null, ASIDE);
  if (reachable === 0) {
    return { kind: "pause", because: { kind: "nobody", wave: null, sites: tally.count(null, NEVER_COUNTED) } };
  }
  const needed = Math.max(1, atLeast(spec.prepare?.ready ?? "100%", counted));
  if (counted > 0 && counted - failures < needed) {
    const failed = tally.all(null, ["ineligible"], ["notReady"]);
    return { kind: "pause", because: { kind: "notReady", failed, counted, needed } };
  }
  const away = awayOf(null, tally);
  if (counted > 0 && there < needed) {
    const waitingFor = tally.some(null, MAY_YET);
    const notReady = tally.some(null, ["ineligible"], ["notReady"]);
    return {
      kind: "wait",
      because: { kind: "preparing", ready: there, of: counted, needed, waitingFor, notReady, ...away },
    };
  }
  const quorum = Math.max(1, atLeast(spec.quorum, reachable));
  if (counted >= quorum) return { kind: "pass" };
  return {
    kind: "wait",
    because: { kind: "quorum", wave: null, counted, of: reachable, needed: quorum, ...away },
  };
}
