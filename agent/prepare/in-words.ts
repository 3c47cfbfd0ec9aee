import type { ObjectChange } from "./diff.ts";

const TOLD = [
  ["create", "come"],
  ["change", "change"],
  ["recreate", "are made anew"],
  ["delete", "leave"],
  ["not-checked", "could not be checked"],
] as const;

/** `12 objects: 2 come, 1 change; 1 warning; 3 of 4 images are present`. */
export function countsInWords(changes: readonly ObjectChange[], images: { present: number; of: number }): string {
  const counts = TOLD.flatMap(([action, words]) => {
    const count = changes.filter((each) => each.action === action).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  const warnings = changes.reduce((sum, each) => sum + each.warnings.length, 0);
  return [
    `${changes.length} objects: ${counts.length === 0 ? "nothing changes" : counts.join(", ")}`,
    ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? "warning" : "warnings"}`]),
    ...(images.of === 0 ? [] : [`${images.present} of ${images.of} images are known to be present`]),
  ].join("; ");
}
