import { isLegal, LEADS_TO, OF_A_WAVE, type RunVerb, VERBS, type Verb } from "../../shared/verbs.ts";
import { FAILURES } from "./outcome.ts";
import type { Act, Approval, Run, SiteProgress } from "./run.ts";

/** From a request in which everything may be left out that some verb does not need. */
export function actOf(asked: {
  verb: RunVerb;
  who: string;
  reason: string;
  wave?: string | undefined;
  site?: string | undefined;
}): Act {
  const { verb, who, reason, wave, site = "" } = asked;
  const by = { who, reason, ...(wave !== undefined && { wave }) };
  return verb === "skip" ? { kind: verb, site, ...by } : { kind: verb, ...by };
}

/** Why a person's verb cannot be done now, and what changed; null where it can. One answer for engine and API. */
export function refusalOf(run: Run, act: Act): string | null {
  const { phase } = run;
  if (!isLegal(act.kind, phase.kind)) {
    return `${run.id} is ${phase.kind}; ${act.kind} is for runs that are ${VERBS[act.kind].join(" or ")}`;
  }
  const open = openWave(run);
  const name = open === null ? null : (run.plan.waves[open]?.name ?? null);
  if (act.wave !== undefined && act.wave !== name) {
    return `${run.id} moved on: ${name === null ? "no wave is" : `wave ${name} is`} open, not ${act.wave}`;
  }
  if (OF_A_WAVE.has(act.kind) && name !== null && act.wave === undefined) {
    return `${act.kind} is for the wave that is open: name it, it is ${name}`;
  }
  if (act.kind === "approve" && run.startedBy !== undefined && isSame(act.who, run.startedBy)) {
    return `${act.who} started ${run.id}: somebody else must approve`;
  }
  if (act.kind === "skip" && !run.sites.has(act.site)) return `${run.id} has no site ${act.site}`;
  return whyNot(run, act.kind);
}

/** Why a verb that the phase allows cannot be done now, whoever asks; null where it can. */
export function whyNot(run: Run, verb: Verb): string | null {
  switch (verb) {
    case "promote":
      // Two rollouts that meet would move a site at once.
      if (run.behind != null && openWave(run) === null)
        return `${run.behind.run} moves ${run.behind.site}, too, and goes first`;
      return missingApprovals(run) > 0 ? `as many people must approve first: ${missingApprovals(run)}` : null;
    case "retry":
      return isAnyToRetry(run) ? null : "no site failed that was not tried again already, and none is not ready";
    case "revert":
      return run.back ? `${run.id} is a return: change the version in its file` : null;
    default:
      return null;
  }
}

/** It has been done already, by the same person for the same reason. */
export function isDone({ phase }: Run, { kind, who, reason }: Act): boolean {
  if (LEADS_TO[kind] !== phase.kind) return false;
  const by = "because" in phase ? phase.because : phase;
  return "who" in by && by.who === who && by.reason === reason;
}

/** Index of the wave that is open, or that a pause holds. */
export function openWave({ phase }: Run): number | null {
  if (phase.kind === "rolling") return phase.wave;
  return phase.kind === "paused" && phase.resume.before === undefined ? phase.resume.wave : null;
}

/** People differ by more than how they write their name, or how it was proved. */
function isSame(a: string, b: string): boolean {
  const plain = (name: string) =>
    name
      .replace(/ \(by .*\)$/, "")
      .trim()
      .toLowerCase();
  return plain(a) === plain(b);
}

const EMERGENCY_APPROVERS = 2;

/** What lets a wave open beside the evidence. One past the last wave is the end of the run. */
export function approvalsFor(run: Run, opens: number): { needed: number; given: readonly Approval[] } {
  const before = run.spec.waves.find(({ name }) => name === run.plan.waves[opens - 1]?.name);
  const needed = opens === 0 ? (run.spec.lane === "emergency" ? EMERGENCY_APPROVERS : 0) : (before?.approve ?? 0);
  return { needed, given: (run.approvals ?? []).filter((approval) => approval.opens === opens) };
}

function missingApprovals(run: Run): number {
  const { needed, given } = approvalsFor(run, (openWave(run) ?? -1) + 1);
  return Math.max(0, needed - given.length);
}

/** With this approval; the same run where that person gave it already. */
export function approved(run: Run, { who, reason }: Act, at: number): Run {
  const opens = (openWave(run) ?? -1) + 1;
  const all = run.approvals ?? [];
  if (all.some((approval) => approval.opens === opens && isSame(approval.who, who))) return run;
  return { ...run, approvals: [...all, { opens, who, reason, at }] };
}

function isAnyToRetry({ sites }: Run): boolean {
  for (const [, progress] of sites) if (mayRetry(progress)) return true;
  return false;
}

/** The agent tries a state that failed once more for a run, and no more than once. Whether it is ready can be asked as often as one likes. */
export function mayRetry({ outcome, retriedAt, notReady }: SiteProgress): boolean {
  return notReady === true || (FAILURES.has(outcome) && retriedAt === undefined);
}
