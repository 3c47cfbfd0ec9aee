import type { FleetMember } from "../registry/site.ts";
import { freshUntil } from "./evidence.ts";
import type { View } from "./outcome.ts";
import type { SiteProgress } from "./run.ts";

type Moment = Pick<View, "standing" | "times" | "now">;

/**
 * When time alone may next change what became of a site; infinity: never. Windows are looked at by themselves. What this forgets is found
 * out by nobody, so what `progressOf` asks of `now` is asked here too.
 */
export function wakeAt(
  progress: SiteProgress,
  member: FleetMember | undefined,
  { standing, times, now }: Moment,
): number {
  const { outcome, since, assignedAt, dueAt } = progress;
  let at = Number.POSITIVE_INFINITY;
  const mayBeAt = (time: number) => {
    if (time > now) at = Math.min(at, time);
  };
  if (dueAt !== null) mayBeAt(dueAt);
  // One that timed out without having taken it is offline once it is silent for as long.
  if (outcome === "notified" || outcome === "timedOut")
    mayBeAt(Math.max(member?.site.heardAt ?? 0, assignedAt ?? now) + times.offlineAfter);
  if (outcome === "preparing") {
    if ((member?.site.heardAt ?? 0) < since) mayBeAt(since + times.offlineAfter);
    mayBeAt(since + times.deadline);
  }
  // What it proved last holds until then; before a wave opens, only who has the version from elsewhere has proved anything.
  const proves = standing === "gate" || (standing === "closed" && outcome === "succeeded");
  if (proves && member !== undefined) mayBeAt(freshUntil(member.site, times.reportEvery) + 1);
  return at;
}
