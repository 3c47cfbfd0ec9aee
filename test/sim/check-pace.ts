import { milliseconds } from "../../shared/names.ts";
import { type Facts, type Given, isAbove, isInForce, type TrueRun } from "./evidence.ts";

const MINUTE_MS = 60_000;

/** After `site` was given something at `now`: how many are on their way, of those that certainly are, and how many began in a minute. */
export function checkPace(witness: Facts, run: TrueRun, site: string, now: number): void {
  const { pace } = run.spec;
  if (pace === undefined) return;
  const all = [...(witness.given.get(run.id)?.values() ?? [])];
  const begun = witness.starts.get(run.id)?.filter((at) => at > now - MINUTE_MS).length ?? 0;
  const about = [run.id, site];
  if (pace.perMinute !== undefined && begun > pace.perMinute)
    witness.fail("perMinute", `${run.id} begins at ${begun} sites in a minute, and may at ${pace.perMinute}`, about);
  const there = all.filter(({ healthy }) => healthy).length;
  const ramped = pace.ramp === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(pace.ramp * there));
  const atMost = Math.min(pace.concurrent ?? Number.POSITIVE_INFINITY, ramped);
  const moving = all.filter((given) => !given.idle && isOnItsWay(witness, run, given, now)).length;
  if (moving > atMost)
    witness.fail("concurrent", `${moving} sites of ${run.id} are on their way, and ${atMost} may be`, about);
}

/** One that was offline, however shortly, has made room for another, and comes back whatever the pace. */
function isOnItsWay(witness: Facts, run: TrueRun, given: Given, now: number): boolean {
  const { site, at, ackedAt, ended } = given;
  // Who may not return is left where it is.
  if (run.phase.kind === "reverting" && at < run.phase.since) return false;
  if (ended || witness.barred.has(site) || witness.asks.skipped.has(`${run.id} ${site}`)) return false;
  if (!isInForce(witness, given)) return false;
  const report = witness.heard.get(site)?.report?.body;
  // Who took it and is held has made room, too; so has who turns out to have something newer.
  if (report?.held !== undefined || isAbove(report, run)) return false;
  const offlineAfter = milliseconds(run.spec.site.offlineAfter);
  if (ackedAt === null) return now - at < offlineAfter;
  return ackedAt - at < offlineAfter && now - ackedAt < milliseconds(run.spec.site.deadline);
}
