import type { EventKind, NewEvent } from "../../shared/event.ts";

/** Events that no hub confirmed and that have no number yet: so many wait, and no more. */
export const MAX_WAITING = 1_000;
const AT_ONCE = 100;
/** What a stranger can cause without end, and what says itself again. */
const OF_LOW_VALUE: ReadonlySet<EventKind> = new Set(["refused", "source", "drift"]);
const WORDS = " older events were dropped: no hub had confirmed them, and no more than a thousand wait";

export interface Waiting {
  id: number;
  event: NewEvent;
}

/** Which of too many events make way, and the event that says how many have; null where there is room. `waiting` from the oldest on. */
export function makeRoom(waiting: readonly Waiting[]): { drop: readonly number[]; instead: NewEvent } | null {
  const newest = waiting.at(-1);
  if (newest === undefined || waiting.length <= MAX_WAITING) return null;
  const low = waiting.filter(({ event }) => OF_LOW_VALUE.has(event.kind));
  const others = waiting.filter(({ event }) => !OF_LOW_VALUE.has(event.kind));
  const dropped = [...low, ...others].slice(0, Math.max(AT_ONCE, waiting.length + 1 - MAX_WAITING));
  const count = dropped.reduce((sum, { event }) => sum + droppedBefore(event), 0);
  const { at } = newest.event;
  const instead: NewEvent = { at, kind: "refused", code: "storage", words: `${count}${WORDS}` };
  return { drop: dropped.map(({ id }) => id), instead };
}

/** One that stands for others counts for all of them. */
function droppedBefore({ words = "" }: NewEvent): number {
  return words.endsWith(WORDS) ? Number.parseInt(words, 10) : 1;
}
