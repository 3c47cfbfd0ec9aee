import {
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  SCALAR_STYLE,
  YAML11_SCHEMA,
} from "js-yaml";

/** A scalar's value, or why it is not taken. */
export type Reading = { value: string | number | boolean | null } | { refused: string };

type Scalar = Extract<Event, { type: typeof EVENT_ID.SCALAR }>;

/**
 * What kubectl reads. It has a YAML 1.1 reader (go-yaml v2) that takes some forms of 1.2, so where the two versions
 * disagree on a plain scalar (`yes`, `0644`, `1:30`, `1e3`, `0o17`) nobody can know what the writer meant: it is refused.
 * Timestamps are the exception: 1.1 has a type for them, but go-yaml and 1.2 both read text.
 */
export function readScalar(source: string, event: Scalar): Reading {
  const text = getScalarValue(source, event);
  if (event.style !== SCALAR_STYLE.PLAIN) return { value: text };
  const document: Event = { type: EVENT_ID.DOCUMENT, explicitStart: false, explicitEnd: false, directives: [] };
  const events: Event[] = [document, event, { type: EVENT_ID.POP }];
  const [now] = constructFromEvents(events, { source, schema: CORE_SCHEMA });
  const [old] = constructFromEvents(events, { source, schema: YAML11_SCHEMA });
  if (old !== now && !(old instanceof Date)) {
    return { refused: `\`${text}\` is ${shown(old)} in YAML 1.1 and ${shown(now)} in YAML 1.2` };
  }
  if (text === "<<") return { refused: "`<<` merges mappings in YAML 1.1 and is text in YAML 1.2" };
  if (typeof now === "number" && !exact(now)) return { refused: `\`${text}\` is no number that JSON carries exactly` };
  if (now === null || typeof now === "number" || typeof now === "boolean") return { value: now };
  return { value: text };
}

function exact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function shown(value: unknown): string {
  return typeof value === "string" ? `the text "${value}"` : `the ${typeof value} ${String(value)}`;
}
