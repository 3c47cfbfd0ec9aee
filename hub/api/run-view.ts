import { assertNever } from "../../shared/errors.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { Outcome } from "../../shared/rollout.ts";
import type { Preview } from "../preview/rows.ts";
import type { Because } from "../rollout/because.ts";
import type { Run } from "../rollout/run.ts";
import type { PreviewView, RunView, WaveView } from "./contract.ts";
import type { SeenRun } from "./snapshot.ts";

export function runView(seen: SeenRun, inWords: (because: Because) => string): RunView {
  const { run, because, open, offers, preview } = seen;
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
    waves: wavesOf(seen),
    left: run.plan.left.map(({ site, why }) => ({ site, why })),
    because,
    words: inWords(because),
    verbs: offers.filter(({ not }) => not === null).map(({ verb }) => verb),
    notNow: offers.flatMap(({ verb, not }) => (not === null ? [] : [{ verb, why: not }])),
    preview: preview === undefined ? null : previewView(preview, run),
  };
}

function previewView({ rows, more, sites }: Preview, run: Run): PreviewView {
  const told = rows.map(({ code, diff, sites, first }) => ({ code, diff, sites, first: [...first] }));
  return { rows: told, more, sites, of: run.sites.size };
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

function wavesOf({ run, open }: SeenRun): WaveView[] {
  const sites: WaveView["sites"][] = run.plan.waves.map(() => []);
  for (const [site, { wave, outcome, since, code }] of run.sites) {
    sites[wave]?.push({ site, outcome, since: rfc3339(since), code });
  }
  return run.plan.waves.map((wave, index) => {
    const own = sites[index] ?? [];
    const { name, soakSeconds, success } = wave;
    return { name, state: stateOf(run, open, index, own), soakSeconds, success, counts: countsOf(own), sites: own };
  });
}

/** Of a run that is over only the outcomes tell how far it came. */
function stateOf(run: Run, open: number | null, index: number, sites: WaveView["sites"]): WaveView["state"] {
  if (run.phase.kind === "completed") return "passed";
  if (open !== null) return index < open ? "passed" : index === open ? "open" : "waiting";
  if (run.phase.kind === "preparing") return "waiting";
  return sites.some(({ outcome }) => outcome !== "pending" && outcome !== "ineligible") ? "open" : "waiting";
}

function countsOf(sites: WaveView["sites"]): WaveView["counts"] {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of sites) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
