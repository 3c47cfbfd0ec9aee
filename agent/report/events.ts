import type { EventKind, NewEvent } from "../../shared/event.ts";
import { nameOf } from "../../shared/live.ts";
import { rfc3339, short } from "../../shared/names.ts";
import { isSettled } from "../../shared/report.ts";
import type { Done } from "../apply/execute.ts";
import type { Hold } from "../cache/cache.ts";

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
export function eventsOf(hold: Hold, done: readonly Done[]): EventDraft[] {
  const drafts: EventDraft[] = [];
  const settled = ["committed", "reverted", "stuck", "failed"].includes(hold.state);
  const whole = isSettled(hold);
  for (const { step, did, words = "" } of done) {
    const object = nameOf(step.ref);
    if (step.do === "delete" && step.because === "pruned") drafts.push({ kind: "pruned", object });
    if (step.do === "forget" && step.gone) drafts.push({ kind: "pruned", object, words: "was gone already" });
    if (did === "recreated") drafts.push({ kind: "recreated", object, words: "a field of it cannot change" });
    if (!settled || did === "kept") continue;
    if (did === "left") drafts.push({ kind: "drift", object, words: leftWords(step, words) });
    else if (step.do === "apply") {
      const healed = healedWords(step.because, whole);
      if (healed !== null) drafts.push({ kind: "drift", object, words: words === "" ? healed : `${words}; put back` });
    }
  }
  if (drafts.length <= EVENTS_AT_ONCE) return drafts;
  const kinds = [...new Set(drafts.map((draft) => draft.kind))];
  return kinds.map((kind) => ({ kind, words: `${drafts.filter((draft) => draft.kind === kind).length} objects` }));
}

/** null: it was no drift. */
function healedWords(because: Extract<Done["step"], { do: "apply" }>["because"], whole: boolean): string | null {
  switch (because) {
    case "drift":
      return "was edited; put back";
    case "absent":
      return "was deleted; made again";
    case "unsettled":
      return whole ? "was edited or deleted; put back" : null;
    case "changed":
      return null;
  }
}

/** Of an object that was not to be put back, or that somebody changes each time that it is. */
function leftWords(step: Done["step"], words: string): string {
  return step.do === "look"
    ? `${words}; left so, as the bundle says`
    : `contested: ${words}, again and again; put back less often`;
}
