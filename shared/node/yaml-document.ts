import { type Event, parseEvents, YAMLException } from "js-yaml";
import { AppError } from "../errors.ts";
import { YAML_MAX_DEPTH } from "./yaml-alias.ts";
import { type YamlDialect, type YamlDocument, YamlReader, type YamlWarning } from "./yaml-reader.ts";

export const YAML_MAX_BYTES = 1024 * 1024;
/** In all, for lines that kubectl takes and the parser does not. */
const REPARSED_BYTES = 64 * 1024 * 1024;

/**
 * The documents of a YAML file of our own, empty ones left out. Anchors, aliases and tags are refused, and what kubectl and
 * YAML 1.2 read differently. Throws `too-large`, `malformed` or `unsupported`, each with `file:line`.
 */
export function readYamlDocuments(text: string, file: string): YamlDocument[] {
  return documentsOf(read(text, file, "strict"));
}

/**
 * The documents of a file of Kubernetes objects as kubectl reads them (`test/golden/yaml` has what it said), empty ones left
 * out; with a warning for each text that YAML 1.2 reads otherwise. Refused where kubectl silently drops or overwrites
 * something: a key that stands twice, a merge after the key that it replaces, documents after `...`.
 */
export function readYamlAsKubectl(text: string, file: string): { documents: YamlDocument[]; warnings: YamlWarning[] } {
  const reader = read(text, file, "kubectl");
  refuseLines(text, file);
  return { documents: documentsOf(reader), warnings: reader.warnings };
}

function read(text: string, file: string, dialect: YamlDialect): YamlReader {
  const size = Buffer.byteLength(text);
  if (size > YAML_MAX_BYTES) {
    throw new AppError("too-large", `${size} bytes of YAML, at most ${YAML_MAX_BYTES} are read`, { where: file });
  }
  const parsed = dialect === "strict" ? { text, events: events(text, file) } : indented(text, file);
  return new YamlReader(parsed.text, file, parsed.events, dialect);
}

/**
 * kubectl lets a line between brackets begin anywhere, `]` below its key above all; YAML 1.2 and the parser ask that it is
 * indented. There spaces mean nothing, so such a line is given some.
 */
function indented(text: string, file: string): { text: string; events: Event[] } {
  const lines = text.split("\n");
  const indent = lines.reduce((most, line) => Math.max(most, line.length - line.trimStart().length), 0) + 1;
  for (let turns = Math.floor(REPARSED_BYTES / (text.length + 1)); ; turns--) {
    const whole = lines.join("\n");
    try {
      return { text: whole, events: parseEvents(whole, { filename: file, maxDepth: YAML_MAX_DEPTH }) };
    } catch (cause) {
      const at =
        cause instanceof YAMLException && /deficient indentation/.test(cause.reason) ? cause.mark?.line : undefined;
      const line = at === undefined ? undefined : lines[at];
      if (at === undefined || line === undefined || /^(?:---|\.\.\.)/.test(line) || turns <= 0)
        throw notYaml(cause, file);
      lines[at] = `${" ".repeat(indent)}${line}`;
    }
  }
}

function documentsOf(reader: YamlReader): YamlDocument[] {
  const documents: YamlDocument[] = [];
  for (let next = reader.document(); next !== undefined; next = reader.document()) {
    if (next.value !== null) documents.push(next);
  }
  return documents;
}

function events(text: string, file: string): Event[] {
  try {
    return parseEvents(text, { filename: file, maxDepth: YAML_MAX_DEPTH });
  } catch (cause) {
    throw notYaml(cause, file);
  }
}

function notYaml(cause: unknown, file: string): unknown {
  if (!(cause instanceof YAMLException)) return cause;
  const line = cause.mark === undefined ? "" : `:${cause.mark.line + 1}`;
  return new AppError("malformed", `not YAML: ${cause.reason}`, { where: `${file}${line}`, cause });
}

/** What kubectl sees in lines before any YAML is read: it cuts a file at `---`, and its lines end as those of YAML 1.1 do. */
function refuseLines(text: string, file: string): void {
  text.split("\n").forEach((line, index) => {
    const where = `${file}:${index + 1}`;
    if (/^---(?!\s*(?:#|$))/.test(line)) {
      const fix = "end the line after `---`";
      throw new AppError("malformed", "kubectl takes no text after `---`", { where, fix });
    }
    const [ending] = /[\u0085\u2028\u2029]/.exec(line) ?? [];
    if (ending !== undefined) {
      const code = ending.charCodeAt(0).toString(16).padStart(4, "0");
      const fix = `write it as \\u${code} between double quotes`;
      throw new AppError("unsupported", `kubectl takes U+${code.toUpperCase()} for the end of a line`, { where, fix });
    }
  });
}
