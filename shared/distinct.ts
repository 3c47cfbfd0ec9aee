import * as z from "zod/mini";

/** Refuses a list with two entries of one key, and points at the second: which of them counts would be the reader's choice. */
export function distinct<T>(what: string, keyOf: (entry: T) => string) {
  return z.check<readonly T[]>(({ value, issues }) => {
    const seen = new Set<string>();
    for (const [index, entry] of value.entries()) {
      const key = keyOf(entry);
      if (seen.has(key))
        issues.push({ code: "custom", input: entry, path: [index], message: `a second ${what} ${key}` });
      seen.add(key);
    }
  });
}
