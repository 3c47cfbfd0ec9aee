import type { SiteProgress } from "../../hub/rollout/run.ts";
import { type Facts, hasTaken, type TrueRun, verdictOf } from "./evidence.ts";

/**
 * Of the rows that change in a run: whoever counts as there from now on has said so, on this very version, values and record, after it
 * took what it was given.
 */
export function checkEvidence(witness: Facts, run: TrueRun, rows: readonly (readonly [string, SiteProgress])[]): void {
  for (const [site, { outcome }] of rows) {
    if (outcome !== "succeeded" || run.sites.get(site)?.outcome === "succeeded") continue;
    const given = witness.given.get(run.id)?.get(site);
    const report = witness.heard.get(site)?.report?.body;
    const isProved = given !== undefined && report !== undefined && hasTaken(report, given.introduced);
    if (isProved && verdictOf(report, given) === "healthy") continue;
    const said = report?.items.find(({ bundle }) => bundle === run.target.bundle);
    const words = `${site} counts as healthy on ${run.target.version} in ${run.id}, and said ${JSON.stringify(said)}`;
    witness.fail("evidence", words, [site, run.id]);
  }
}
