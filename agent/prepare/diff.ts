import { sorted } from "../../shared/canonical.ts";
import { type Change, DIFF_MAX_BYTES, type Diff, type DiffEntry, type FieldChange } from "../../shared/diff.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";

/** What one object would become. */
export interface ObjectChange {
  /** As `nameOf` gives it. */
  object: string;
  action: Change | "unchanged";
  fields: readonly FieldChange[];
  words?: string;
  warnings: readonly string[];
}

const MOST_FIELDS = 60;
const MOST_WARNINGS = 5;
/** Of the list's own brackets, and of what says how much was left out. */
const AROUND = 300;
/** What takes something away, or cannot be, comes first: it is what a person must see, and is never what is left out. */
const ORDER: readonly Change[] = ["refused", "recreate", "delete", "not-checked", "create", "change"];

/** The same changes in whatever order they were found make the same diff, which is never longer than `DIFF_MAX_BYTES`. */
export function diffOf(changes: readonly ObjectChange[]): Diff {
  const entries = changes.flatMap(({ action, ...rest }) => (action === "unchanged" ? [] : [entryOf(action, rest)]));
  const ordered = entries.toSorted(
    (a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action) || (a.object < b.object ? -1 : 1),
  );
  let room = DIFF_MAX_BYTES - AROUND;
  const fitting = ordered.findIndex((entry) => {
    room -= Buffer.byteLength(sorted(entry)) + 1;
    return room < 0;
  });
  const { kept, left } = cut(ordered, fitting === -1 ? ordered.length : fitting);
  return { objects: kept, unchanged: changes.length - entries.length, ...(left !== null && { left }) };
}

function entryOf(
  action: Change,
  { object, fields, words, warnings }: Pick<ObjectChange, "object" | "fields" | "words" | "warnings">,
): DiffEntry {
  const { kept, left } = cut(fields.map(fitting), MOST_FIELDS);
  return {
    object: object.slice(0, 800).toWellFormed(),
    action,
    ...(kept.length > 0 && { fields: kept }),
    ...(left !== null && { left }),
    ...(words !== undefined && { words: words.slice(0, 400).toWellFormed() }),
    ...(warnings.length > 0 && {
      warnings: warnings.slice(0, MOST_WARNINGS).map((text) => text.slice(0, 300).toWellFormed()),
    }),
  };
}

/** A key of a map may be as long as its object. */
function fitting(field: FieldChange): FieldChange {
  if (field.path.length <= 1_000) return field;
  return { ...field, path: `${field.path.slice(0, 900).toWellFormed()}... (${hashOf(field.path).slice(0, 16)})` };
}

function cut<T>(list: readonly T[], most: number): { kept: T[]; left: { count: number; sha256: string } | null } {
  const rest = list.slice(most);
  if (rest.length === 0) return { kept: [...list], left: null };
  return { kept: list.slice(0, most), left: { count: rest.length, sha256: hashOf(sorted(rest)) } };
}

function hashOf(text: string): string {
  return sha256Hex(text);
}
