import { readFileSync } from "node:fs";
import type * as z from "zod/mini";
import { AppError } from "../errors.ts";
import { readYaml } from "./yaml.ts";

/**
 * A program's configuration: one YAML file, strict. Throws `config` where it cannot be read, `schema` or `malformed` with file and line for
 * what is in it; an unknown key names the nearest known one.
 */
export function readConfigFile<T>(file: string, schema: z.ZodMiniType<T>): T {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new AppError("config", "the configuration cannot be read", {
      where: file,
      cause,
      fix: "give its path with --config",
    });
  }
  return namingNearest(schema, () => readYaml(text, file, schema));
}

/** Runs a reader; where it refuses an unknown key, the error names the nearest key that the schema knows. */
export function namingNearest<T>(schema: z.core.$ZodType, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const unknown = error instanceof AppError ? /^unknown key "([^"]*)"/.exec(error.message)?.[1] : undefined;
    const nearest = unknown === undefined ? undefined : nearestOf(unknown, keysOf(schema));
    if (!(error instanceof AppError) || nearest === undefined) throw error;
    const where = error.where === undefined ? {} : { where: error.where };
    throw new AppError(error.code, error.message, { ...where, cause: error, fix: `did you mean ${nearest}?` });
  }
}

/** Every key that may stand anywhere in the file. */
function keysOf(schema: z.core.$ZodType): string[] {
  const { def } = schema._zod as {
    def: { shape?: object; options?: readonly z.core.$ZodType[] } & Partial<
      Record<"innerType" | "element" | "valueType", z.core.$ZodType>
    >;
  };
  const below = [
    ...Object.values(def.shape ?? {}),
    ...[def.innerType, def.element, def.valueType].filter((inner) => inner !== undefined),
    ...(def.options ?? []),
  ];
  return [...Object.keys(def.shape ?? {}), ...below.flatMap(keysOf)];
}

/** The known key that takes the fewest edits to get to, where that is at most half of the word. */
function nearestOf(word: string, known: readonly string[]): string | undefined {
  const scored = known.map((key) => ({ key, edits: editsBetween(word.toLowerCase(), key.toLowerCase()) }));
  const [best] = scored.toSorted((a, b) => a.edits - b.edits);
  return best !== undefined && best.edits <= best.key.length / 2 ? best.key : undefined;
}

/** Levenshtein's distance. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
