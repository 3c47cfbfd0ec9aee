import type { Facts, TrueRun } from "./evidence.ts";

/** Of a run that was just planned. */
export function checkPlan(witness: Facts, { id, plan, sites }: TrueRun): void {
  const seen = new Set<string>();
  for (const [index, wave] of plan.waves.entries()) {
    for (const site of wave.sites) {
      if (seen.has(site) || sites.get(site)?.wave !== index)
        witness.fail("oneWave", `${site} is in two waves of ${id}`, [site, id]);
      seen.add(site);
    }
  }
  for (const { site } of plan.left)
    if (seen.has(site)) witness.fail("oneWave", `${site} is in a wave of ${id}, and left out`, [site, id]);
}
