import type { Fleet } from "./observe.ts";
import type { PauseReason, Run } from "./run.ts";
import { isOver } from "./share.ts";

/**
 * More than `offlineAtMost` of the rollout's sites are silent: nobody can see what a version does to a fleet that is dark.
 * Silent is who did not answer an assignment, who fell silent after it took one, and who the broker says is gone.
 */
export function tooSilent(run: Run, fleet: Fleet): PauseReason | null {
  const { offlineAtMost } = run.spec;
  if (offlineAtMost === undefined) return null;
  const all = Object.entries(run.sites).filter(([, { outcome }]) => outcome !== "ineligible");
  const silent = all.filter(([site, { outcome, code }]) => {
    const isDark = outcome === "offline" || (outcome === "timedOut" && code === "unreachable");
    return isDark || fleet.get(site)?.site.presence === "offline";
  });
  if (!isOver(silent.length, offlineAtMost, all.length)) return null;
  return { kind: "silent", sites: silent.map(([site]) => site), of: all.length, atMost: offlineAtMost };
}
