import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE } from "js-yaml";
import { AppError } from "../errors.ts";
import { pointer } from "../parse.ts";
import { Anchors } from "./yaml-alias.ts";
import { asKubectl, asYaml12, keyText, type ScalarValue, shown } from "./yaml-scalar.ts";

/** One document of a YAML file: its value as JSON has it, and where each part of it stands. */
export interface YamlDocument {
  value: unknown;
  /** The line, from 1, of a JSON pointer; where that does not exist, of the nearest part around it. */
  lineOf(path: string): number;
}

/** Text that kubectl and YAML 1.2 read differently. */
export interface YamlWarning {
  /** `file:line`. */
  where: string;
  text: string;
  asKubectl: string;
  asYaml12: string;
}

type Scalar = Extract<Event, { type: typeof EVENT_ID.SCALAR }>;
type Node = Exclude<Event, { type: typeof EVENT_ID.DOCUMENT } | { type: typeof EVENT_ID.POP }>;
type Path = readonly PropertyKey[];

/** Where a person asked for one thing and a reader could take another: `strict` refuses it, `kubectl` reads as kubectl does. */
export type YamlDialect = "strict" | "kubectl";

const QUOTES = "put it between quotes, or write what you mean";

/** Values from the events of one file. */
export class YamlReader {
  readonly #text: string;
  readonly #file: string;
  readonly #events: readonly Event[];
  readonly #dialect: YamlDialect;
  /** Offsets of the line ends. */
  readonly #lines: readonly number[];
  readonly #anchors = new Anchors();
  readonly warnings: YamlWarning[] = [];
  #at = 0;
  #documents = 0;
  /** Of the document being read: offsets by JSON pointer. */
  #offsets = new Map<string, number>();

  constructor(text: string, file: string, events: readonly Event[], dialect: YamlDialect) {
    this.#text = text;
    this.#file = file;
    this.#events = events;
    this.#dialect = dialect;
    this.#lines = [...text.matchAll(/\n/g)].map(({ index }) => index);
  }

  document(): YamlDocument | undefined {
    const start = this.#next();
    if (start === undefined) return undefined;
    const offsets = new Map<string, number>();
    this.#offsets = offsets;
    this.#anchors.nextDocument();
    const at = this.#offset();
    if (start.type === EVENT_ID.DOCUMENT && this.#dialect === "kubectl") {
      if (start.directives.length > 0) throw this.#refused("unsupported", "directives are not read", at);
      if (this.#documents > 0 && !start.explicitStart) {
        throw this.#refused("malformed", "kubectl leaves out what follows `...`", at, "begin it with a line `---`");
      }
    }
    this.#documents += 1;
    const value = this.#peek()?.type === EVENT_ID.POP ? null : this.#node([]);
    this.#next();
    return { value, lineOf: (path) => this.#line(nearest(offsets, path)) };
  }

  #node(path: Path): unknown {
    const event = this.#nextNode();
    const offset = startOf(event);
    const here = pointer(path);
    // A value takes its key's place, which is where a person looks for it.
    if (!this.#offsets.has(here)) this.#offsets.set(here, offset);
    if (event.type === EVENT_ID.ALIAS || event.anchorStart !== -1) {
      if (this.#dialect === "strict") {
        throw this.#refused("unsupported", "anchors and aliases are not read", offset, "write the value out");
      }
      const name = this.#text.slice(event.anchorStart, event.anchorEnd);
      if (event.type === EVENT_ID.ALIAS) return this.#anchors.repeat(name, path.length, this.#where(offset));
      this.#anchors.open(name);
      const value = this.#content(event, path);
      this.#anchors.close(name, value);
      return value;
    }
    return this.#content(event, path);
  }

  #content(event: Exclude<Node, { type: typeof EVENT_ID.ALIAS }>, path: Path): unknown {
    if (event.type === EVENT_ID.SCALAR) return this.#scalar(event);
    if (event.tagStart !== -1) throw this.#tag(event);
    return event.type === EVENT_ID.SEQUENCE ? this.#sequence(path) : this.#mapping(path);
  }

  #sequence(path: Path): unknown[] {
    const items: unknown[] = [];
    while (this.#peek()?.type !== EVENT_ID.POP) items.push(this.#node([...path, items.length]));
    this.#next();
    return items;
  }

  #mapping(path: Path): Record<string, unknown> {
    const entries: Record<string, unknown> = {};
    const written = new Map<string, number>();
    while (this.#peek()?.type !== EVENT_ID.POP) {
      const event = this.#nextNode();
      const offset = startOf(event);
      const merge = this.#isMerge(event);
      const key = merge ? "<<" : this.#key(event, offset);
      const before = written.get(key);
      if (before !== undefined) {
        throw this.#refused("malformed", `"${key}" stands here twice, first on line ${this.#line(before)}`, offset);
      }
      written.set(key, offset);
      if (merge) {
        this.#merge(entries, written, path, offset);
        continue;
      }
      const inner = [...path, key];
      this.#offsets.set(pointer(inner), offset);
      entries[key] = this.#node(inner);
    }
    this.#next();
    return entries;
  }

  #isMerge(event: Node): boolean {
    return (
      event.type === EVENT_ID.SCALAR &&
      event.style === SCALAR_STYLE.PLAIN &&
      event.tagStart === -1 &&
      getScalarValue(this.#text, event) === "<<"
    );
  }

  #merge(entries: Record<string, unknown>, written: ReadonlyMap<string, number>, path: Path, offset: number): void {
    if (this.#dialect === "strict") {
      throw this.#refused("malformed", "`<<` merges mappings in YAML 1.1 and is text in YAML 1.2", offset, QUOTES);
    }
    this.#warn("<<", "a merge of mappings", 'the key "<<"', offset);
    const value = this.#node([...path, "<<"]);
    // Of a list, what stands first wins.
    const sources = Array.isArray(value) ? value.toReversed() : [value];
    for (const source of sources) {
      if (typeof source !== "object" || source === null || Array.isArray(source)) {
        throw this.#refused("malformed", "`<<` takes a mapping or a list of mappings", offset, QUOTES);
      }
      for (const [key, item] of Object.entries(source)) {
        const before = written.get(key);
        if (before !== undefined) {
          const what = `kubectl takes this merge for "${key}", not what stands on line ${this.#line(before)}`;
          throw this.#refused("malformed", what, offset, "put the merge first");
        }
        this.#offsets.set(pointer([...path, key]), offset);
        entries[key] = item;
      }
    }
  }

  #key(event: Node, offset: number): string {
    const quotes = "put it between quotes";
    if (event.type !== EVENT_ID.SCALAR || event.anchorStart !== -1) {
      throw this.#refused("malformed", "a key that is not text", offset, quotes);
    }
    const text = getScalarValue(this.#text, event);
    const plain = event.style === SCALAR_STYLE.PLAIN && event.tagStart === -1;
    const value = plain && this.#dialect === "kubectl" ? asKubectl(text) : this.#scalar(event);
    const key = this.#dialect === "kubectl" ? keyText(text, value) : value;
    if (typeof key !== "string" || key === "__proto__") {
      throw this.#refused("malformed", "a key that is not text", offset, quotes);
    }
    const yaml12 = String(asYaml12(text));
    if (plain && key !== yaml12) this.#warn(text, `the key "${key}"`, `the key "${yaml12}"`, offset);
    return key;
  }

  #scalar(event: Scalar): ScalarValue {
    const text = getScalarValue(this.#text, event);
    const offset = startOf(event);
    if (event.tagStart !== -1) return this.#tagged(event, text);
    if (event.style !== SCALAR_STYLE.PLAIN) return text;
    const kubectl = asKubectl(text);
    const yaml12 = asYaml12(text);
    if (!Object.is(kubectl, yaml12)) {
      if (this.#dialect === "strict") {
        const what = `\`${text}\` is ${shown(kubectl)} in YAML 1.1 and ${shown(yaml12)} in YAML 1.2`;
        throw this.#refused("malformed", what, offset, QUOTES);
      }
      this.#warn(text, shown(kubectl), shown(yaml12), offset);
    }
    if (typeof kubectl === "number" && !exact(kubectl)) {
      throw this.#refused("malformed", `\`${text}\` is no number that JSON carries exactly`, offset, QUOTES);
    }
    return kubectl;
  }

  #tagged(event: Scalar, text: string): ScalarValue {
    const tag = this.#text.slice(event.tagStart, event.tagEnd);
    if (this.#dialect === "kubectl" && (tag === "!" || tag === "!!str")) return text;
    throw this.#tag(event);
  }

  #tag(event: { tagStart: number }): AppError {
    const what = this.#dialect === "strict" ? "tags are not read" : "tags other than !!str are not read";
    return this.#refused("unsupported", what, event.tagStart, "leave the tag out");
  }

  #warn(text: string, kubectl: string, yaml12: string, offset: number): void {
    this.warnings.push({ where: this.#where(offset), text, asKubectl: kubectl, asYaml12: yaml12 });
  }

  #refused(code: "malformed" | "unsupported", what: string, offset: number, fix?: string): AppError {
    return new AppError(code, what, { where: this.#where(offset), ...(fix && { fix }) });
  }

  #where(offset: number): string {
    return `${this.#file}:${this.#line(offset)}`;
  }

  #line(offset: number): number {
    let low = 0;
    let high = this.#lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#lines[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  }

  /** Of the event that comes next. */
  #offset(): number {
    const event = this.#peek();
    return event === undefined ? this.#text.length : startOf(event);
  }

  #peek(): Event | undefined {
    return this.#events[this.#at];
  }

  #next(): Event | undefined {
    return this.#events[this.#at++];
  }

  #nextNode(): Node {
    const event = this.#next();
    if (event !== undefined && event.type !== EVENT_ID.DOCUMENT && event.type !== EVENT_ID.POP) return event;
    throw new AppError("internal", "the YAML parser's events are not balanced", { where: this.#file });
  }
}

function exact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
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
