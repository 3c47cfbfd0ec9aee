import type { Bundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { refOf } from "../../shared/live.ts";
import { picks } from "../../shared/picks.ts";
import type { BuiltFile } from "./manifests.ts";

/** Refuses a phase that would hold nothing: a wrong name in it would let everything through without the wait that its author meant. */
export function checkPhases(
  { phases = [], overlays = [] }: Pick<Bundle, "phases" | "overlays">,
  files: readonly BuiltFile[],
  where: (pointer: string) => string,
): void {
  const patches = new Set(overlays.map(({ patch }) => patch));
  const refs = files.filter(({ path }) => !patches.has(path)).map(({ object }) => refOf(object));
  let left = refs;
  for (const [index, { name, objects = {} }] of phases.entries()) {
    const rest = left.filter((ref) => !picks(objects, ref));
    if (rest.length === left.length) {
      const isTaken = refs.some((ref) => picks(objects, ref));
      throw new AppError("schema", `phase ${name} names no object${isTaken ? " that no phase before it has" : ""}`, {
        where: where(`/phases/${index}`),
        fix: isTaken ? "put it before them, or leave it out" : "name objects of this bundle, or leave it out",
      });
    }
    left = rest;
  }
}
