import type { RefusalCode } from "../../shared/errors.ts";

/** Why nothing starts. A closed list, shown as it is; the words beside it say more. */
export type StayReason =
  | "nothing-assigned"
  | "settled" // it runs what it should
  | "moving" // applying or verifying, with time left
  | "not-on-disk" // assigned, and not yet fetched and verified, or refused here
  | "held" // the site puts off what is new, or cannot tell yet whether it does
  | "ended" // its run was stopped, and nothing of it had begun here
  | "not-before" // the assignment says when, and that has not come
  | "failed-before" // it failed here, and nobody said retry, or it was tried again for this run already
  | "ahead" // the site has committed more than it is assigned, and nobody said back
  | "marks-unread" // the disk has no marks, and those that the cluster keeps could not be read yet
  | "expired" // the assignment may not start anything any more
  | "no-clock" // no synced clock, and the assignment does not name this boot
  | "record" // no site record holds, or it is assigned for one that is not here
  | "retired" // the site record says that this site takes nothing new
  | "scope" // the version is not meant for what the site is now
  | "rushed" // the bundle's signed pace has not passed
  | "rollback" // older than what was committed, and nobody said back
  | "no-return" // older than what has gone through a phase without return here
  | "below-floor" // older than the owners allow
  | "from" // what is committed here is older than what it may come from
  | "requires" // another bundle that it needs is not committed, or a committed one needs what runs
  | "claimed" // another bundle of the site has an object of it
  | "content"; // it cannot be rendered for what was assigned

/** Those that are refusals, with the code they are told with. The others are states that pass, or were told when they began. */
const REFUSED: Partial<Record<StayReason, RefusalCode>> = {
  expired: "assignment",
  "no-clock": "assignment",
  record: "record",
  retired: "record",
  scope: "scope",
  rushed: "rushed",
  rollback: "rollback",
  "no-return": "floor",
  "below-floor": "floor",
  from: "requires",
  requires: "requires",
  claimed: "claimed",
};

export interface Stay {
  do: "stay";
  because: StayReason;
  /** For a person: what of what. Empty where the reason says it all. */
  words: string;
  /** Set where somebody must learn that this was refused. */
  code: RefusalCode | null;
  /** Wall clock, ms, when time alone ends it; null where it does not. */
  until: number | null;
}

export function stay(
  because: StayReason,
  words = "",
  more: { code?: RefusalCode | null; until?: number | null } = {},
): Stay {
  return { do: "stay", because, words, code: REFUSED[because] ?? null, until: null, ...more };
}
