import type { Phase } from "../../hub/rollout/run.ts";
import { atLeast } from "../../hub/rollout/share.ts";
import { comparePairs, milliseconds, short } from "../../shared/names.ts";
import type { Report } from "../../shared/report.ts";
import type { Facts, TrueRun } from "./evidence.ts";

/** A return goes where its sites have been, and an emergency does not wait. */
function asksFirst({ spec, back }: TrueRun): boolean {
  return spec.prepare !== undefined && !back && spec.lane !== "emergency";
}

/** It need not be asked, or has said that it is ready. */
export function mayBeGiven(report: Report | undefined, run: TrueRun): boolean {
  return !asksFirst(run) || readiness(report, run) === "ready";
}

/** Given its target, a site has said that it can run it; once more after somebody had it tried again, it need not. */
export function checkReady(witness: Facts, run: TrueRun, site: string): void {
  if (!asksFirst(run) || run.sites.get(site)?.retriedAt !== undefined) return;
  const said = readiness(witness.heard.get(site)?.report?.body, run);
  if (said !== "ready") witness.fail("ready", `${run.id} gives ${site} its version, which is ${said}`, [site, run.id]);
}

/** The first wave opens: counted anew, and kindly, by what the sites said. */
export function checkReadyGate(witness: Facts, before: Phase | undefined, run: TrueRun): void {
  const { phase, spec, sites } = run;
  if (!asksFirst(run) || phase.kind !== "rolling" || witness.asks.promoting.has(run.id)) return;
  if (before !== undefined && before.kind !== "planned" && before.kind !== "preparing") return;
  let ready = 0;
  let counted = 0;
  for (const [site, { since, outcome }] of sites) {
    if (witness.barred.has(site) || witness.asks.skipped.has(`${run.id} ${site}`) || run.joined.has(site)) continue;
    const heard = witness.heard.get(site);
    const said = readiness(heard?.report?.body, run);
    if (said === "ready") ready += 1;
    const silentFor = phase.since - Math.max(heard?.confirmedAt ?? 0, since);
    const maySayYet = outcome === "preparing" && silentFor < milliseconds(spec.site.offlineAfter);
    if (said === "ready" || said === "not ready" || maySayYet) counted += 1;
  }
  const needed = Math.max(1, atLeast(spec.prepare?.ready ?? "100%", counted));
  if (ready < needed)
    witness.fail("ready", `the first wave of ${run.id} opens, ${ready} of ${counted} are ready, not ${needed}`, [
      run.id,
    ]);
}

function readiness(report: Report | undefined, { target }: TrueRun): "ready" | "not ready" | "silent" | "ahead" {
  const { bundle, values, pair } = target;
  const digest = short(target.digest);
  const item = report?.items.find((each) => each.bundle === bundle);
  if (item?.digest === digest && item.values === values && item.state === "committed") return "ready";
  if (item?.marks !== undefined && comparePairs(item.marks[0], pair) > 0) return "ahead";
  const entry = report?.prepared?.find((each) => each.bundle === bundle);
  if (entry?.digest === digest && entry.values === values) return entry.code === undefined ? "ready" : "not ready";
  return report?.refused?.some((each) => each.bundle === bundle && each.digest === digest) === true
    ? "not ready"
    : "silent";
}
