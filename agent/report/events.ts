import type { EventKind, NewEvent } from "../../shared/event.ts";
import { nameOf } from "../../shared/live.ts";
import { rfc3339, short } from "../../shared/names.ts";
import type { Hold } from "../cache/cache.ts";
import type { ApplyPlan } from "../plan/plan.ts";

/** More events of one stage than this become one of each kind. */
const EVENTS_AT_ONCE = 20;

export interface EventDraft {
  kind: EventKind;
  /** Whole; events carry its first half. */
  digest?: string;
  code?: NewEvent["code"];
  words?: string;
  object?: string;
}

/** An event of a bundle as the outbox takes it. `now` in ms. */
export function eventOf(bundle: string, { digest, words, object, ...rest }: EventDraft, now: number): NewEvent {
  return {
    at: rfc3339(now),
    bundle,
    ...rest,
    ...(digest === undefined ? {} : { digest: short(digest) }),
    ...(object === undefined ? {} : { object: object.slice(0, 400) }),
    ...(words === undefined ? {} : { words: words.slice(0, 300) }),
  };
}

/**
 * Drift is told where nothing was to change; during a move it is part of the move. What a kill or a failure interrupted is told when it
 * is through: a healing shows as an unsettled object of a settled bundle, a deletion as an object that is gone.
 */
export function eventsOf(hold: Hold, done: ApplyPlan["steps"]): EventDraft[] {
  const drafts: EventDraft[] = [];
  const settled = ["committed", "reverted", "stuck", "failed"].includes(hold.state);
  const whole = hold.state === "committed" || hold.state === "reverted";
  for (const step of done) {
    const object = nameOf(step.ref);
    if (step.do === "delete" && step.because === "pruned") drafts.push({ kind: "pruned", object });
    if (step.do === "forget" && step.gone) drafts.push({ kind: "pruned", object, words: "was gone already" });
    if (step.do !== "apply" || !settled) continue;
    if (step.because === "drift") drafts.push({ kind: "drift", object, words: "was edited; put back" });
    if (step.because === "absent") drafts.push({ kind: "drift", object, words: "was deleted; made again" });
    if (step.because === "unsettled" && whole)
      drafts.push({ kind: "drift", object, words: "was edited or deleted; put back" });
  }
  if (drafts.length <= EVENTS_AT_ONCE) return drafts;
  const kinds = [...new Set(drafts.map((draft) => draft.kind))];
  return kinds.map((kind) => ({ kind, words: `${drafts.filter((draft) => draft.kind === kind).length} objects` }));
}
