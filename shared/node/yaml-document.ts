import { EVENT_ID, type Event, parseEvents, YAMLException } from "js-yaml";
import { AppError } from "../errors.ts";
import { pointer } from "../parse.ts";
import { type Reading, readScalar } from "./yaml-scalar.ts";

export const YAML_MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;

/** One document of a YAML file: its value as JSON has it, and where each part of it stands. */
export interface YamlDocument {
  value: unknown;
  /** The line, from 1, of a JSON pointer; where that does not exist, of the nearest part around it. */
  lineOf(path: string): number;
}

/**
 * The documents of a YAML file, empty ones left out. Anchors, aliases and tags are refused, so no input can grow while
 * it is read. Throws `too-large`, `malformed` or `unsupported`, each with `file:line`.
 */
export function readYamlDocuments(text: string, file: string): YamlDocument[] {
  const size = Buffer.byteLength(text);
  if (size > YAML_MAX_BYTES) {
    throw new AppError("too-large", `${size} bytes of YAML, at most ${YAML_MAX_BYTES} are read`, { where: file });
  }
  const reader = new Reader(text, file, events(text, file));
  const documents: YamlDocument[] = [];
  for (let next = reader.document(); next !== undefined; next = reader.document()) {
    if (next.value !== null) documents.push(next);
  }
  return documents;
}

function events(text: string, file: string): Event[] {
  try {
    return parseEvents(text, { filename: file, maxDepth: MAX_DEPTH });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const line = cause.mark === undefined ? "" : `:${cause.mark.line + 1}`;
    throw new AppError("malformed", `not YAML: ${cause.reason}`, { where: `${file}${line}`, cause });
  }
}

class Reader {
  readonly #text: string;
  readonly #file: string;
  readonly #events: Event[];
  #at = 0;
  /** Of the document being read: offsets by JSON pointer. */
  #offsets = new Map<string, number>();

  constructor(text: string, file: string, events: Event[]) {
    this.#text = text;
    this.#file = file;
    this.#events = events;
  }

  document(): YamlDocument | undefined {
    if (this.#next() === undefined) return undefined;
    const offsets = new Map<string, number>();
    this.#offsets = offsets;
    const value = this.#peek()?.type === EVENT_ID.POP ? null : this.#node([]);
    this.#next();
    return { value, lineOf: (path) => this.#line(nearest(offsets, path)) };
  }

  #node(path: readonly PropertyKey[]): unknown {
    const event = this.#next();
    if (event === undefined || event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) {
      throw new AppError("internal", "the YAML parser's events are not balanced", { where: this.#file });
    }
    const offset = startOf(event);
    const here = pointer(path);
    // A value takes its key's place, which is where a person looks for it.
    if (!this.#offsets.has(here)) this.#offsets.set(here, offset);
    if (event.type === EVENT_ID.ALIAS || event.anchorStart !== -1) {
      throw this.#refused("unsupported", "anchors and aliases are not read", offset, "write the value out");
    }
    if (event.tagStart !== -1) throw this.#refused("unsupported", "tags are not read", offset, "leave the tag out");
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#value(readScalar(this.#text, event), offset);
      case EVENT_ID.SEQUENCE:
        return this.#sequence(path);
      case EVENT_ID.MAPPING:
        return this.#mapping(path);
    }
  }

  #sequence(path: readonly PropertyKey[]): unknown[] {
    const items: unknown[] = [];
    while (this.#peek()?.type !== EVENT_ID.POP) items.push(this.#node([...path, items.length]));
    this.#next();
    return items;
  }

  #mapping(path: readonly PropertyKey[]): Record<string, unknown> {
    const entries: Record<string, unknown> = {};
    while (this.#peek()?.type !== EVENT_ID.POP) {
      const event = this.#next();
      const offset = event === undefined ? 0 : startOf(event);
      const key = event?.type === EVENT_ID.SCALAR ? this.#value(readScalar(this.#text, event), offset) : null;
      if (typeof key !== "string" || key === "__proto__") {
        throw this.#refused("malformed", "a key that is not text", offset, "put it between quotes");
      }
      if (Object.hasOwn(entries, key)) throw this.#refused("malformed", `"${key}" stands here twice`, offset);
      const inner = [...path, key];
      this.#offsets.set(pointer(inner), offset);
      entries[key] = this.#node(inner);
    }
    this.#next();
    return entries;
  }

  #value(reading: Reading, offset: number): string | number | boolean | null {
    if ("value" in reading) return reading.value;
    throw this.#refused("malformed", reading.refused, offset, "put it between quotes, or write what you mean");
  }

  #refused(code: "malformed" | "unsupported", what: string, offset: number, fix?: string): AppError {
    return new AppError(code, what, { where: `${this.#file}:${this.#line(offset)}`, ...(fix && { fix }) });
  }

  #line(offset: number): number {
    return this.#text.slice(0, offset).split("\n").length;
  }

  #peek(): Event | undefined {
    return this.#events[this.#at];
  }

  #next(): Event | undefined {
    return this.#events[this.#at++];
  }
}

function startOf(event: Event): number {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart;
  return event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE ? event.start : 0;
}

function nearest(offsets: ReadonlyMap<string, number>, path: string): number {
  const found = offsets.get(path);
  if (found !== undefined || path === "") return found ?? 0;
  return nearest(offsets, path.slice(0, path.lastIndexOf("/")));
}
