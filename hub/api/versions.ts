import { short } from "../../shared/names.ts";
import type { SeenRun } from "./snapshot.ts";

/** The hub knows the version of a digest from the runs that were started for it. */
export function versionsOf(runs: readonly SeenRun[]): ReadonlyMap<string, string> {
  return new Map(runs.map(({ run }) => [short(run.target.digest), run.target.version]));
}
