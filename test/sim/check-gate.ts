import type { Phase } from "../../hub/rollout/run.ts";
import { atLeast, isOver } from "../../hub/rollout/share.ts";
import { milliseconds } from "../../shared/names.ts";
import { mayBeGiven } from "./check-ready.ts";
import { type Facts, hasTaken, isAbove, isInForce, type TrueRun, verdictOf } from "./evidence.ts";

/**
 * Whether the waves that a run left behind had passed, counted anew and by the book from the reports that the hub confirmed: slow,
 * and with no state of its own but what the run's phase says of time.
 */
export function checkGate(witness: Facts, before: Phase, run: TrueRun): void {
  const { phase } = run;
  const from = before.kind === "rolling" ? before.wave : resumed(before);
  const to = phase.kind === "rolling" ? phase.wave : phase.kind === "completed" ? run.plan.waves.length : null;
  if (from === null || to === null || to <= from || before.kind === "completed") return;
  if (witness.asks.promoting.has(run.id)) return;
  const now = phase.kind === "rolling" ? phase.since : phase.kind === "completed" ? phase.at : 0;
  for (let wave = from; wave < to; wave += 1) checkWave(witness, run, wave, now);
  for (let wave = 0; wave < from; wave += 1) {
    const { failed, succeeded, countedAtMost } = tally(witness, run, wave, now, true);
    if (tooMany(run, failed, failed + succeeded, countedAtMost)) fail(witness, run, wave, `${failed} failed there`);
  }
}

function resumed(phase: Phase): number | null {
  if (phase.kind === "planned") return 0;
  return phase.kind === "paused" ? phase.resume.wave : null;
}

function checkWave(witness: Facts, run: TrueRun, wave: number, now: number): void {
  const found = tally(witness, run, wave, now);
  const { reachable, countedAtLeast, countedAtMost, held, failed, succeeded, offline } = found;
  const success = run.plan.waves[wave]?.success ?? "100%";
  const words = JSON.stringify({ ...found, of: run.sites.get(found.others[0] ?? "") });
  if (countedAtMost < Math.max(1, atLeast(run.spec.quorum, reachable)))
    fail(witness, run, wave, `no quorum: ${words}`, found.others);
  if (held < Math.max(1, atLeast(success, countedAtLeast)))
    fail(witness, run, wave, `too few healthy: ${words}`, found.others);
  if (tooMany(run, failed, failed + succeeded, countedAtMost))
    fail(witness, run, wave, `too many failed: ${words}`, found.others);
  const { offlineAtMost } = run.spec;
  if (offlineAtMost !== undefined && isOver(offline, offlineAtMost, run.sites.size))
    fail(witness, run, wave, `too many silent: ${words}`);
}

function tooMany({ spec }: TrueRun, failed: number, ended: number, counted: number): boolean {
  return ended >= Math.min(spec.failure.minSample, counted) && isOver(failed, spec.failure.over, ended);
}

function fail(witness: Facts, run: TrueRun, wave: number, words: string, others: readonly string[] = []): void {
  const name = run.plan.waves[wave]?.name;
  witness.fail("gate", `wave ${name} of ${run.id} is passed, ${words}`, [run.id, ...others]);
}

interface Tally {
  reachable: number;
  countedAtLeast: number;
  countedAtMost: number;
  /** Healthy for the soak. */
  held: number;
  succeeded: number;
  failed: number;
  offline: number;
  /** Those that count and hold nothing. */
  others: string[];
}

/** `passed`: of a wave that passed what a site said last holds, for it reports on change alone. */
function tally(witness: Facts, run: TrueRun, wave: number, now: number, passed = false): Tally {
  const others: string[] = [];
  const found = {
    reachable: 0,
    countedAtLeast: 0,
    countedAtMost: 0,
    held: 0,
    succeeded: 0,
    failed: 0,
    offline: 0,
    others,
  };
  const isUrgent = run.back || run.spec.lane === "emergency";
  const soak = isUrgent ? 0 : (run.plan.waves[wave]?.soakSeconds ?? 0);
  for (const [site, progress] of run.sites) {
    // Who joins in this very step comes after the gate.
    if (run.joined.has(site)) continue;
    if (progress.wave !== wave || witness.barred.has(site) || witness.asks.skipped.has(`${run.id} ${site}`)) continue;
    const { bundle } = run.target;
    const heard = witness.heard.get(site);
    const report = heard?.report ?? null;
    const item = report?.body.items.find((each) => each.bundle === bundle);
    if (isAbove(report?.body, run)) continue;
    const last = witness.given.get(run.id)?.get(site);
    // What is to be tried once more has to be given once more.
    const isNew = last !== undefined && last.at >= (progress.retriedAt ?? last.at);
    const given = isNew && isInForce(witness, last) ? last : undefined;
    // Who is not ready takes no part; who did not answer may, as far as the hub is concerned.
    const isTaken = given !== undefined && report !== null && hasTaken(report.body, given.introduced);
    if (!isTaken && !mayBeGiven(report?.body, run)) {
      found.countedAtMost += 1;
      continue;
    }
    found.reachable += 1;
    others.push(site);
    const offlineAfter = milliseconds(run.spec.site.offlineAfter);
    if (given === undefined || report === null || !hasTaken(report.body, given.introduced)) {
      const since = given?.at ?? now;
      const mayBeOffline = now - Math.max(heard?.arrivedAt ?? 0, since) >= offlineAfter;
      const isOffline = now - Math.max(heard?.confirmedAt ?? 0, since) >= offlineAfter;
      if (isOffline) found.offline += 1;
      if (!mayBeOffline && run.spec.windows === undefined && report?.body.held === undefined) found.countedAtLeast += 1;
      if (!isOffline) found.countedAtMost += 1;
      continue;
    }
    found.countedAtMost += 1;
    if (report.body.held === undefined) found.countedAtLeast += 1;
    const verdict = verdictOf(report.body, given);
    const unwellFor = given.unwellSince === null ? 0 : now - given.unwellSince;
    if (verdict === "failed" || unwellFor > milliseconds(run.spec.site.deadline)) found.failed += 1;
    const isFresh = passed || now - report.confirmedAt <= 3 * milliseconds(run.spec.site.reportEvery);
    if (verdict !== "healthy" || !isFresh) continue;
    found.succeeded += 1;
    if ((item?.healthyFor ?? 0) >= soak) {
      found.held += 1;
      others.pop();
    }
  }
  return found;
}
