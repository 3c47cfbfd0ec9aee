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
  if (depth > 64) throw new AppError("malformed", "JSON is nested deeper than 64 levels");
  if (Array.isArray(value)) return `[${value.map((item) => sorted(item, depth + 1)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = value as Readonly<Record<string, unknown>>;
    let text = "";
    for (const key of Object.keys(fields).toSorted()) {
      const item = fields[key];
      if (item === undefined) continue;
      text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${sorted(item, depth + 1)}`;
    }
    return `{${text}}`;
  }
  const text = JSON.stringify(value);
  if (text === undefined) throw new AppError("malformed", "a value that JSON cannot carry");
  return text;
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
