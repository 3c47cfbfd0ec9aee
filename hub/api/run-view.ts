import { assertNever } from "../../shared/errors.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { Outcome } from "../../shared/rollout.ts";
import { legalVerbs } from "../../shared/verbs.ts";
import type { Preview } from "../preview/rows.ts";
import type { Because } from "../rollout/because.ts";
import type { Run } from "../rollout/run.ts";
import type { PreviewView, RunView, WaveView } from "./contract.ts";
import type { SeenRun } from "./snapshot.ts";

export function runView({ run, because, preview }: SeenRun, inWords: (because: Because) => string): RunView {
  const open = openWave(run);
  return {
    id: run.id,
    rollout: run.rollout,
    bundle: run.target.bundle,
    version: run.target.version,
    digest: run.target.digest,
    values: run.target.given,
    back: run.back,
    startedAt: rfc3339(run.startedAt),
    phase: run.phase.kind,
    since: rfc3339(sinceOf(run)),
    wave: open === null ? null : (run.plan.waves[open]?.name ?? null),
    step: run.phase.kind === "rolling" ? run.phase.step : null,
    waves: wavesOf(run),
    left: run.plan.left.map(({ site, why }) => ({ site, why })),
    because,
    words: inWords(because),
    verbs: legalVerbs(run.phase.kind).filter((verb) => verb !== "approve" || asksForApproval(run)),
    preview: preview === undefined ? null : previewView(preview, run),
  };
}

function previewView({ rows, more, sites }: Preview, run: Run): PreviewView {
  const told = rows.map(({ code, diff, sites, first }) => ({ code, diff, sites, first: [...first] }));
  return { rows: told, more, sites, of: run.sites.size };
}

/** Index of the wave that is open, or that a pause holds. */
export function openWave({ phase }: Run): number | null {
  if (phase.kind === "rolling") return phase.wave;
  return phase.kind === "paused" && phase.resume.before === undefined ? phase.resume.wave : null;
}

/** People have to say that the next wave may open. */
function asksForApproval(run: Run): boolean {
  const open = openWave(run);
  if (open === null) return run.spec.lane === "emergency";
  const wave = run.spec.waves.find(({ name }) => name === run.plan.waves[open]?.name);
  return (wave?.approve ?? 0) > 0;
}

/** It gives out nothing any more, and its outcomes stay as they were. */
export function isOver({ phase }: Run): boolean {
  return phase.kind === "aborted" || phase.kind === "superseded";
}

function sinceOf({ phase, startedAt }: Run): number {
  switch (phase.kind) {
    case "planned":
      return startedAt;
    case "preparing":
    case "rolling":
    case "paused":
    case "reverting":
      return phase.since;
    case "completed":
    case "reverted":
    case "aborted":
    case "superseded":
      return phase.at;
    default:
      return assertNever(phase);
  }
}

function wavesOf(run: Run): WaveView[] {
  const sites: WaveView["sites"][] = run.plan.waves.map(() => []);
  for (const [site, { wave, outcome, since, code }] of run.sites) {
    sites[wave]?.push({ site, outcome, since: rfc3339(since), code });
  }
  return run.plan.waves.map((wave, index) => {
    const own = sites[index] ?? [];
    const { name, soakSeconds, success } = wave;
    return { name, state: stateOf(run, index, own), soakSeconds, success, counts: countsOf(own), sites: own };
  });
}

/** Of a run that is over only the outcomes tell how far it came. */
function stateOf(run: Run, index: number, sites: WaveView["sites"]): WaveView["state"] {
  if (run.phase.kind === "completed") return "passed";
  const open = openWave(run);
  if (open !== null) return index < open ? "passed" : index === open ? "open" : "waiting";
  if (run.phase.kind === "preparing") return "waiting";
  return sites.some(({ outcome }) => outcome !== "pending" && outcome !== "ineligible") ? "open" : "waiting";
}

function countsOf(sites: WaveView["sites"]): WaveView["counts"] {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of sites) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
