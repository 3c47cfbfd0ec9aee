import type { Because, Some } from "../../../hub/rollout/because.ts";
import { itemOf } from "../../../hub/rollout/evidence.ts";
import type { Fleet } from "../../../hub/rollout/look.ts";
import type { Run, SiteProgress } from "../../../hub/rollout/run.ts";
import type { Outcome } from "../../../shared/rollout.ts";

/** What the run waits for, found by counting over plain lists and nothing else; null where that is not the question. */
export function plainly(run: Run, fleet: Fleet, kind: Because["kind"]): object | null {
  const all = [...run.sites].map(([site, progress]): Row => ({ site, progress }));
  switch (kind) {
    case "moving":
    case "soaking":
    case "quorum":
      return run.phase.kind === "rolling" ? ofWave(run, run.phase.wave, all, fleet, kind) : ofAll(run, all, kind);
    case "preparing":
      return ofAll(run, all, kind);
    case "completed": {
      const counted = all.filter((row) => !is(row, "ahead", "skipped", "ineligible"));
      const behind = counted.filter((row) => !is(row, "succeeded"));
      return { kind, healthy: counted.length - behind.length, of: counted.length, behind: some(behind) };
    }
    default:
      return null;
  }
}

interface Row {
  site: string;
  progress: SiteProgress;
}

function ofWave(run: Run, wave: number, all: readonly Row[], fleet: Fleet, kind: Because["kind"]): object {
  const planned = run.plan.waves[wave];
  const rows = all.filter(({ progress }) => progress.wave === wave);
  const reachable = rows.filter((row) => !is(row, "ahead", "skipped", "ineligible"));
  const counted = reachable.filter((row) => !is(row, "offline", "held", "deferred"));
  const healthy = counted.filter((row) => is(row, "succeeded"));
  const away = { offline: of(rows, "offline"), held: of(rows, "held"), deferred: of(rows, "deferred") };
  if (kind === "quorum") {
    const needed = least(run.spec.quorum, reachable.length);
    return { kind, wave: planned?.name, counted: counted.length, of: reachable.length, needed, ...away };
  }
  const needed = least(planned?.success ?? "", counted.length);
  const waitingFor = some(counted.filter((row) => !is(row, "succeeded", "failed", "reverted", "timedOut")));
  const numbers = { wave: planned?.name, healthy: healthy.length, of: counted.length, needed, waitingFor, ...away };
  if (kind === "moving") return { kind, ...numbers };
  const soakSeconds = planned?.soakSeconds ?? 0;
  const held = healthy
    .map(({ site }) => itemOf(fleet.get(site)?.site ?? gone(site), run.target.bundle)?.healthyFor ?? 0)
    .toSorted((a, b) => b - a);
  return { kind, ...numbers, soakSeconds, shortestSeconds: Math.min(soakSeconds, held[needed - 1] ?? 0) };
}

function ofAll(run: Run, all: readonly Row[], kind: Because["kind"]): object {
  const notReady = all.filter(({ progress }) => progress.notReady === true);
  const ready = all.filter((row) => is(row, "ready"));
  const open = all.filter((row) => is(row, "pending", "preparing"));
  const counted = ready.length + notReady.length + open.length;
  const away = { offline: of(all, "offline"), held: of(all, "held"), deferred: of(all, "deferred") };
  const reachable = counted + away.offline.count + away.held.count + away.deferred.count;
  if (kind === "quorum") {
    return { kind, wave: null, counted, of: reachable, needed: least(run.spec.quorum, reachable), ...away };
  }
  const needed = least(run.spec.prepare?.ready ?? "", counted);
  const who = { waitingFor: some(open), notReady: some(notReady), ...away };
  return { kind, ready: ready.length, of: counted, needed, ...who };
}

function is({ progress }: Row, ...outcomes: Outcome[]): boolean {
  return outcomes.includes(progress.outcome);
}

function of(rows: readonly Row[], outcome: Outcome): Some {
  return some(rows.filter((row) => is(row, outcome)));
}

function some(rows: readonly Row[]): Some {
  const first = rows.slice(0, 10).map(({ site, progress: { outcome, code } }) => ({ site, outcome, code }));
  return { count: rows.length, first };
}

/** In whole thousandths of a percent, and one at the least. */
function least(percentage: string, total: number): number {
  return Math.max(1, Math.ceil((Math.round(Number(percentage.slice(0, -1)) * 1000) * total) / 100_000));
}

function gone(site: string): never {
  throw new Error(`${site} succeeded and is not in the fleet`);
}
