import { AppError } from "../errors.ts";

/**
 * JSON that others wrote, in any layout, in which no key stands twice: readers disagree on which of the two counts, and a
 * signature under it would mean one thing to one and another to the next. Throws `malformed`.
 */
export function parseJsonOnce(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError("malformed", `the ${what} is not JSON`, { cause });
  }
  // A key that stands twice leaves one key behind. In JSON that parses, a string before a colon is a key.
  const written = text.match(/"(?:[^"\\]|\\.)*"(?:[ \t\n\r]*:)?/g)?.filter((each) => each.endsWith(":"));
  if ((written?.length ?? 0) !== countKeys(value)) throw new AppError("malformed", `a key stands twice in the ${what}`);
  return value;
}

/** Without recursion: the nesting is the writer's to choose. */
function countKeys(value: unknown): number {
  let keys = 0;
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== "object" || next === null) continue;
    const inside: unknown[] = Object.values(next);
    if (!Array.isArray(next)) keys += inside.length;
    for (const each of inside) left.push(each);
  }
  return keys;
}
