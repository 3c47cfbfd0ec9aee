import type { ErrorCode } from "../shared/errors.ts";
import type { EventKind } from "../shared/event.ts";
import { rfc3339 } from "../shared/names.ts";
import type { Notice } from "./registry/store.ts";

/** Longest words of an event. */
const MAX_WORDS = 300;

/** Something that the hub did or refused, for the list of events. The store numbers it. */
export function notice(at: number, kind: EventKind, words: string, code: ErrorCode | null = null): Notice {
  const short = words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS - 1)}…` : words;
  return { at, event: { number: 1, at: rfc3339(at), kind, words: short, ...(code === null ? {} : { code }) } };
}
