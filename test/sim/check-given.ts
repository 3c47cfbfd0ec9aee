import type { Assigned } from "../../hub/registry/site.ts";
import { short } from "../../shared/names.ts";
import { hasBegun } from "./check-begin.ts";
import { checkPace } from "./check-pace.ts";
import { checkReady } from "./check-ready.ts";
import { checkWindow } from "./check-window.ts";
import { type Facts, hasTaken, type TrueRun } from "./evidence.ts";

/** Phases in which a run gives out assignments. */
const MOVES: ReadonlySet<string> = new Set(["rolling", "completed", "reverting", "reverted"]);

const SETTLED: ReadonlySet<string> = new Set(["committed", "reverted"]);

/** What it settled on already starts nothing, and is how a site gets back what a run that stopped had given. */
export function isIdle({ heard }: Facts, site: string, bundle: string, assigned: Assigned): boolean {
  const { digest, values, record } = assigned;
  const item = heard.get(site)?.report?.body.items.find((each) => each.bundle === bundle);
  if (item === undefined || !SETTLED.has(item.state) || item.record !== record) return false;
  return item.digest === short(digest) && item.values === values;
}

/** What another rollout has on its way there comes to its end first; and what a newer one brought there stays. */
function checkTakenOver(witness: Facts, site: string, was: Assigned | null, run: TrueRun): void {
  const holder = witness.runs.get(was?.run ?? "");
  if (holder === undefined || holder.rollout === run.rollout) return;
  const isSettled = holder.phase.kind === "completed" || holder.phase.kind === "reverted";
  const isNewer = (witness.begun.get(holder.id) ?? 0) > (witness.begun.get(run.id) ?? 0);
  if (!hasBegun(holder.phase) && !(isSettled && isNewer)) return;
  const words = `${run.id} takes ${site} from ${holder.id}, which is ${holder.phase.kind}`;
  witness.fail("apart", words, [run.id, holder.id, site]);
}

/** A set that was just stored brings a site something of a run, in the place of what it `was` given. */
export function checkGiven(
  witness: Facts,
  { site, bundle, was }: { site: string; bundle: string; was: Assigned | null },
  assigned: Assigned,
): void {
  const { run: id, digest, values, at } = assigned;
  const run = witness.runs.get(id);
  if (run === undefined)
    return witness.fail("authorised", `${site} is given ${bundle} by ${id}, which is no run`, [site]);
  if (isIdle(witness, site, bundle, assigned)) return;
  const about = [site, id];
  const known = [run.target, ...(run.known ?? [])].find((each) => each.digest === digest && each.values === values);
  const what = known?.version ?? digest.slice(0, 8);
  if (!MOVES.has(run.phase.kind))
    witness.fail("stopped", `${site} is given ${what} by ${id}, which is ${run.phase.kind}`, about);
  const isBack = run.phase.kind === "reverting" || run.phase.kind === "reverted";
  const isTarget = digest === run.target.digest && values === run.target.values;
  if (known === undefined || (!isTarget && !isBack))
    witness.fail("authorised", `${site} is given ${what} by ${id}, whose version is ${run.target.version}`, about);
  checkTakenOver(witness, site, was, run);
  if (witness.heard.get(site)?.report?.body.held !== undefined)
    witness.fail("held", `${site} is given ${what} by ${id}, and said that it is held`, about);
  if (isTarget) checkReady(witness, run, site);
  if (isTarget) checkWindow(witness, run, site, at);
  checkPace(witness, run, site, at);
}

/** Of a run that stands still, no site holds what it neither took nor runs; of one that is over, none may begin what it gave up or did not begin. */
export function checkWithdrawn(witness: Facts): void {
  for (const { site, set, assigned } of witness.assignments.values()) {
    if (witness.barred.has(site)) continue;
    for (const [bundle, { run: id, digest, introduced, ended }] of Object.entries(assigned)) {
      const run = witness.runs.get(id);
      if (run === undefined || MOVES.has(run.phase.kind)) continue;
      const report = witness.heard.get(site)?.report?.body;
      const item = report?.items.find((each) => each.bundle === bundle);
      const isOver = run.phase.kind === "aborted" || run.phase.kind === "superseded";
      const isElse = item !== undefined && item.digest !== short(digest);
      // Given back as what it ran by the report that was known; it may have moved on since, and is asked when it has taken that.
      // A hub that was restored says again what it knows.
      const isBack = witness.given.get(id)?.get(site)?.idle === true || introduced[0] < set.term;
      if (isOver && isElse && !isBack && ended === undefined)
        witness.fail("withdrawn", `${site} may begin what ${id} gave it, which is ${run.phase.kind}`, [site, id]);
      // One that took it, and lost its disk since, has taken it.
      const wasTaken = witness.given.get(id)?.get(site)?.ackedAt ?? null;
      if (isBack || hasTaken(report, introduced) || wasTaken !== null || item?.digest === short(digest)) continue;
      witness.fail(
        "withdrawn",
        `${site} did not take set ${introduced.join(".")} of ${id}, which is ${run.phase.kind}, and still has it in set ${set.term}.${set.number}`,
        [site, id],
      );
    }
  }
}
