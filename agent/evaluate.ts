import type { LiveView } from "../shared/live.ts";
import { share } from "../shared/names.ts";
import type { Hold, InventoryRow } from "./cache/cache.ts";
import { jobVerdicts } from "./observe/jobs.ts";
import { judge, type Summary, summarise } from "./observe/observed.ts";
import type { Others } from "./plan/claims.ts";
import { type ApplyPlan, AT_REST, type PlanInput, plan } from "./plan/plan.ts";
import type { Content } from "./pull/content.ts";

/** How far what runs is from what it should be. */
export interface Evaluation {
  manifest: Content["manifest"];
  flags: Content["flags"];
  plan: ApplyPlan;
  summary: Summary;
  /** Every object is as it should be, none waits. */
  applied: boolean;
}

/** What a bundle is looked at beside. `now`: monotonic ms. */
export interface Surroundings {
  live: LiveView;
  inventory: readonly InventoryRow[];
  backoff: PlanInput["backoff"];
  left: PlanInput["left"];
  others: Others;
  now: number;
}

export function evaluate(
  hold: Hold,
  { manifest, flags, rendered }: Exclude<Content, { unfit: unknown }>,
  { live, inventory, backoff, left, others, now }: Surroundings,
): Evaluation {
  const moves = isMoving(hold);
  const removes = manifest.remove === true;
  const returns = hold.state === "reverting" || hold.state === "stuck";
  const jobs = { run: hold.up === true, records: hold.jobs ?? [] };
  const health = judge(rendered, live, jobVerdicts(rendered, jobs), moves ? now : null);
  const result = plan({
    desired: rendered,
    live,
    inventory,
    health,
    moves,
    phases: moves ? (manifest.phases ?? []) : [],
    jobs,
    others,
    backoff,
    left,
    pruneShare: returns || removes ? 1 : share(manifest.prune.share),
    allow: manifest.prune.allow ?? [],
    removes,
    now,
  });
  const applied = result.steps.length === 0 && result.waitingOn.every(({ on }) => AT_REST.has(on));
  return { manifest, flags, plan: result, summary: summarise(health), applied };
}

export function isMoving({ state }: Hold): boolean {
  return ["applying", "verifying", "reverting", "stuck"].includes(state);
}
