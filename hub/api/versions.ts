import type { SeenRun } from "./snapshot.ts";

/** The hub knows the version of a digest from the runs that were started for it. */
export function versionsOf(runs: readonly SeenRun[]): ReadonlyMap<string, string> {
  return new Map(runs.map(({ run }) => [short(run.target.digest), run.target.version]));
}

/** The first 16 bytes, as reports and events carry a digest. */
export function short(digest: string): string {
  return digest.slice(0, 32);
}
