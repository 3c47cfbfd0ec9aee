import { AppError } from "./errors.ts";

/**
 * The one form a document may have: JSON, keys sorted by UTF-16 unit (as RFC 8785 does), no white space, UTF-8, one final LF.
 * Because the reader demands exactly this form, duplicate keys and other readings of the same bytes cannot exist.
 */
export function canonicalJson(value: unknown): string {
  return `${sorted(value)}\n`;
}

/** The same without the final LF: for hashing values and for bodies on the wire. */
export function sorted(value: unknown, depth = 0): string {
  if (depth > 64) throw tooDeep();
  if (typeof value === "object" && value !== null) {
    let text = "";
    if (Array.isArray(value)) {
      for (const item of value) text += `${text === "" ? "" : ","}${sorted(item, depth + 1)}`;
      return `[${text}]`;
    }
    const fields = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(fields).toSorted()) {
      const item = fields[key];
      if (item === undefined) continue;
      text += `${text === "" ? "" : ","}${quoted(key)}:${sorted(item, depth + 1)}`;
    }
    return `{${text}}`;
  }
  if (typeof value === "string") return quoted(value);
  const text = JSON.stringify(value);
  if (text === undefined) throw new AppError("malformed", "a value that JSON cannot carry");
  return text;
}

function tooDeep(): AppError {
  return new AppError("malformed", "JSON is nested deeper than 64 levels");
}

/** Most texts have nothing to escape, and to see that is cheaper than to look for what has. */
const PLAIN = /^[\w ./:+-]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Whether both are written the same, but for the keys `except` at the top: without writing them, and done at the first difference. */
export function alike(a: unknown, b: unknown, except: readonly string[] = [], depth = 0): boolean {
  if (depth > 64) throw tooDeep();
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => alike(item, b[index], [], depth + 1));
  }
  const [ours, theirs] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  const differs = (key: string) => !except.includes(key) && !alike(ours[key], theirs[key], [], depth + 1);
  for (const key of Object.keys(ours)) if (differs(key)) return false;
  for (const key of Object.keys(theirs)) if (!Object.hasOwn(ours, key) && differs(key)) return false;
  return true;
}

/** Parses bytes that must be canonical. Throws `malformed` with `where`, or `too-large` above `maxBytes`. */
export function parseCanonical(bytes: Uint8Array, where: string, maxBytes: number): unknown {
  if (bytes.byteLength > maxBytes) {
    throw new AppError("too-large", `${bytes.byteLength} bytes, at most ${maxBytes} are read`, { where });
  }
  let text: string;
  let value: unknown;
  let canonical: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
    canonical = canonicalJson(value);
  } catch (cause) {
    if (cause instanceof AppError) throw new AppError(cause.code, cause.message, { where, cause });
    throw new AppError("malformed", "not JSON", {
      where,
      cause,
      fix: "documents are JSON made by `skerry`; YAML belongs in bundle.yaml and rollouts/, which the builder reads",
    });
  }
  // Readers of maps drop it without a word, and what assigns to it changes an object's nature. In this form it is spelled like this only.
  if (text.includes('"__proto__":'))
    throw new AppError("malformed", "a key that no document may have: __proto__", { where });
  if (canonical !== text) {
    throw new AppError(
      "malformed",
      "not in canonical form (keys sorted, no white space, no duplicate keys, one final LF)",
      {
        where,
        fix: "sign the bytes that `skerry` wrote, without reformatting them",
      },
    );
  }
  return value;
}
