import { parseArgs } from "node:util";
import type { FleetMember } from "../../hub/registry/site.ts";
import { plan } from "../../hub/rollout/plan.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { memberOf, specOf, targetOf } from "../hub/rollout/samples.ts";
import { type BenchResult, figureOf, machine } from "./figures.ts";

/** A fleet of 100,000 sites planned in five waves, spread over 60 combinations of labels. The limit is one hash per site. */
export async function planWaves(args: string[]): Promise<BenchResult> {
  const options = {
    sites: { type: "string", default: "100000" },
    runs: { type: "string", default: "10" },
  } as const;
  const { values } = parseArgs({ args, options });
  const before = machine();
  const fleet = Array.from({ length: Number(values.sites) }, (_, index) => siteOf(index));
  const spread = ["region", "model"];
  const spec = specOf({
    sites: { matchExpressions: [{ key: "role", operator: "In", values: ["store", "lab"] }] },
    waves: [
      { name: "lab", sites: { role: "lab" } },
      { name: "canary", take: "2%", spread },
      { name: "early", upTo: "25%", spread },
      { name: "most", upTo: "80%", spread },
    ],
  });
  const encoder = new TextEncoder();
  const [took, hashing]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < Number(values.runs); turn += 1) {
    took.push(timed(() => plan(spec, targetOf(2), fleet, `seed ${turn}`)));
    hashing.push(timed(() => fleet.forEach(({ id }) => sha256Hex(encoder.encode(`seed ${turn}\n${id}`)))));
  }
  const figure = figureOf(`${fleet.length} sites in five waves`, "ms", took, {
    limit: { name: "one SHA-256 per site", value: Math.min(...hashing) },
    goal: { of: "max", atMost: 1000 },
  });
  return { name: "plan-waves", machine: before, runs: took.length, figures: [figure] };
}

function siteOf(index: number): FleetMember {
  const role = index % 100 === 0 ? "lab" : "store";
  return memberOf(`shop-${index}`, { role, region: `r${index % 12}`, model: `m${index % 5}` });
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
