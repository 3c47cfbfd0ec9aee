import type { StayReason } from "../target/stay.ts";

/** What leads the words beside a reason, for a person who stands at the site; null where they say it all. */
const LEADS: Readonly<Record<StayReason, string | null>> = {
  "nothing-assigned": "nobody has told this site what to run",
  settled: null,
  moving: null,
  "not-on-disk": "its files have not all come here and been verified yet",
  held: "the site is held",
  ended: null,
  "not-before": null,
  "failed-before": "it failed here, and nobody has said to try it again",
  ahead: null,
  "marks-unread": null,
  expired: null,
  "no-clock": null,
  record: null,
  retired: null,
  scope: null,
  rushed: null,
  rollback: null,
  "no-return": null,
  "below-floor": null,
  from: null,
  requires: null,
  claimed: null,
  content: "it cannot be made for this site",
};

/** Why a bundle is not as it should be, as a report says it, in words: it begins with a reason of the list, or names an object. */
export function waitsWords(waitingOn: string): string {
  const [, reason = "", words] = /^([a-z-]+)(?:: (.*))?$/s.exec(waitingOn) ?? [];
  if (!Object.hasOwn(LEADS, reason)) return waitingOn;
  const lead = LEADS[reason as StayReason];
  return [...(lead === null ? [] : [lead]), ...(words === undefined ? [] : [words])].join(": ") || waitingOn;
}
