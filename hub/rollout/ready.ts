import { short } from "../../shared/names.ts";
import type { Outcome } from "../../shared/rollout.ts";
import type { FleetMember } from "../registry/site.ts";
import { itemOf } from "./evidence.ts";
import type { Judged, View } from "./outcome.ts";
import type { Phase, Run, SiteProgress } from "./run.ts";

/** A return goes where its sites have been, and an emergency does not wait: neither asks first who can run it. */
export function asksFirst({ spec, back }: Pick<Run, "spec" | "back">): boolean {
  return spec.prepare !== undefined && !back && spec.lane !== "emergency";
}

/** Sites are told to get ready: before the first wave, and those that return or join while waves are open. */
export function isPreparing({ kind }: Phase): boolean {
  return kind === "preparing" || kind === "rolling" || kind === "completed";
}

/** As above, or it stands still and was doing so. */
export function hasPrepared(phase: Phase): boolean {
  return isPreparing(phase) || (phase.kind === "paused" && phase.resume.before !== "planned");
}

/**
 * Whether the site can run the target, by its newest report, whatever brought it there. Nothing has been changed at a site that is
 * dark meanwhile: that is never a failure. One that took the order and does not answer by the deadline is not ready, unless
 * the broker says that it is gone.
 */
export function readiness(before: SiteProgress, member: FleetMember, { run, times, now, give }: View): Judged {
  // What it said before it was asked once more is not its answer.
  const { askedAgain = Number.NEGATIVE_INFINITY } = before;
  const said = (member.site.report?.at ?? 0) < askedAgain ? undefined : saidOf(member, run);
  if (said !== undefined) return said === null ? { outcome: "ready", code: null } : notReady(said);
  const waited = before.outcome === "preparing" ? now - before.since : 0;
  const isGivenUp = before.notReady === true && before.code === LATE;
  // One that lost the line is not asked anew before it is heard of.
  const isAway = before.outcome === "offline" && before.assignedAt === null && member.site.heardAt <= before.since;
  if (!isPreparing(run.phase))
    return WAITS.has(before.outcome) || isGivenUp ? before : { outcome: "pending", code: null };
  if (member.site.report?.body.held !== undefined) return { outcome: "held", code: null };
  if (isGivenUp || isAway) return before;
  if (waited >= times.offlineAfter && member.site.heardAt < before.since) return { outcome: "offline", code: null };
  // Whoever is asked fetches the version at once, so that the pace holds here, too.
  if (before.outcome === "pending" && !give()) return { outcome: "pending", code: null };
  if (waited < times.deadline) return { outcome: "preparing", code: null };
  return member.site.presence === "offline" ? { outcome: "offline", code: null } : notReady(LATE);
}

/** What a site that did not answer is called in reports of failure. */
const LATE = "unreachable";
const WAITS: ReadonlySet<Outcome> = new Set<Outcome>(["preparing", "offline", "held"]);

function notReady(code: Judged["code"]): Judged {
  return { outcome: "ineligible", code, notReady: true };
}

/** Null: it is ready. Else why not; undefined where it has not said. With an older record it would render another thing. */
function saidOf(member: FleetMember, { target }: Run): Judged["code"] | undefined {
  const digest = short(target.digest);
  const item = itemOf(member.site, target.bundle);
  if (item?.digest === digest && item.values === target.values && item.state === "committed") return null;
  const body = member.site.report?.body;
  const entry = body?.prepared?.find(({ bundle }) => bundle === target.bundle);
  if (entry?.digest === digest && entry.values === target.values && entry.record >= member.record) {
    return entry.code ?? null;
  }
  return body?.refused?.find((each) => each.bundle === target.bundle && each.digest === digest)?.code;
}
