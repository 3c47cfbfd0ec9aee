import { AppError } from "../errors.ts";

/** Of all that the aliases of one file write out: enough for any file that a person wrote, and little to hold. */
const MAX_WEIGHT = 4 * 1024 * 1024;
export const YAML_MAX_DEPTH = 64;

interface Anchor {
  value: unknown;
  /** Near the length of its JSON. */
  weight: number;
  depth: number;
}

/** The anchors of a YAML document. What aliases repeat is counted, so that a small file cannot become an endless one. */
export class Anchors {
  readonly #known = new Map<string, Anchor | null>();
  #left = MAX_WEIGHT;

  /** Anchors are a document's own; what its aliases wrote out counts for the whole file. */
  nextDocument(): void {
    this.#known.clear();
  }

  /** Before its value is read, which must not have it within. */
  open(name: string): void {
    this.#known.set(name, null);
  }

  close(name: string, value: unknown): void {
    this.#known.set(name, { value, ...measure(value) });
  }

  /** The value anew, so that no two places share one. Throws `malformed` or `too-large`, with `where`. */
  repeat(name: string, level: number, where: string): unknown {
    const anchor = this.#known.get(name);
    if (anchor === undefined) throw new AppError("malformed", `*${name} is an alias of nothing`, { where });
    if (anchor === null) throw new AppError("malformed", `*${name} stands in what it is an alias of`, { where });
    if (level + anchor.depth > YAML_MAX_DEPTH) {
      throw new AppError("too-large", `*${name} nests deeper than ${YAML_MAX_DEPTH} levels`, { where });
    }
    this.#left -= anchor.weight;
    if (this.#left >= 0) return structuredClone(anchor.value);
    const what = `aliases that write out more than ${MAX_WEIGHT} characters`;
    throw new AppError("too-large", what, { where, fix: "write the values out, in files of their own" });
  }
}

function measure(value: unknown): { weight: number; depth: number } {
  if (typeof value === "string") return { weight: value.length + 4, depth: 0 };
  if (typeof value !== "object" || value === null) return { weight: 8, depth: 0 };
  let weight = 4;
  let depth = 0;
  for (const [key, item] of Object.entries(value)) {
    const inner = measure(item);
    weight += key.length + 4 + inner.weight;
    depth = Math.max(depth, inner.depth);
  }
  return { weight, depth: depth + 1 };
}
