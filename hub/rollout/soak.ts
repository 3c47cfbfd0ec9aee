import type { PlannedWave, Run } from "./run.ts";

/** A return has nothing to prove by time: its sites ran the version before. An emergency has no time. */
export function soakOf({ back, spec }: Run, wave: PlannedWave): number {
  return back || spec.lane === "emergency" ? 0 : wave.soakSeconds;
}
