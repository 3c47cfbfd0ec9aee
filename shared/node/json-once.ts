import { AppError } from "../errors.ts";

/** Each string of a JSON text, and the colon after it where it is a key. */
const STRING = /("(?:[^"\\]|\\.)*")([ \t\n\r]*:)?/gs;

/**
 * JSON that others wrote, in any layout, in which no key stands twice: readers disagree on which of the two counts, and a
 * signature under it would mean one thing to one and another to the next. Throws `malformed`.
 *
 * The objects are read with a number in place of each key: so JSON.parse drops none, and none comes near a fault of V8, which
 * reads a key that ends in an escape as `\` once it has met an object with a key that ends so (nodejs/node#63785).
 */
export function parseJsonOnce(text: string, what: string): unknown {
  const keys: string[] = [];
  try {
    const numbered = text.replace(STRING, (string, quoted: string, colon?: string) =>
      colon === undefined ? string : `"${keys.push(JSON.parse(quoted) as string) - 1}"${colon}`,
    );
    return withKeys(JSON.parse(numbered), keys, what);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("malformed", `the ${what} is not JSON`, { cause });
  }
}

/** Without recursion: the nesting is the writer's to choose. */
function withKeys(numbered: unknown, keys: readonly string[], what: string): unknown {
  const whole = [numbered];
  const left: object[] = [whole];
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    for (const [at, item] of Object.entries(holder) as [string, unknown][]) {
      if (typeof item !== "object" || item === null) continue;
      const value = Array.isArray(item) ? item : withOwnKeys(item, keys, what);
      // Not by assignment: a key may be `__proto__`.
      Object.defineProperty(holder, at, { value });
      left.push(value);
    }
  }
  return whole[0];
}

function withOwnKeys(numbered: object, keys: readonly string[], what: string): object {
  const items = new Map<string, unknown>();
  for (const [number, item] of Object.entries(numbered)) {
    const key = keys[Number(number)]!;
    if (items.has(key)) throw new AppError("malformed", `the key ${JSON.stringify(key)} stands twice in the ${what}`);
    items.set(key, item);
  }
  return Object.fromEntries(items);
}
