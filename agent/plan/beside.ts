import type { Verdict } from "../../shared/health.ts";
import type { Observed } from "../../shared/live.ts";
import type { RenderedBundle } from "../../shared/render/render.ts";
import type { InventoryRow } from "../cache/cache.ts";
import type { PlanInput } from "./plan.ts";

/** A wanted object beside all that is known of it, looked up once: by name is what a plan's time goes to. */
export interface Beside {
  wanted: RenderedBundle["objects"][number];
  name: string;
  row: InventoryRow | undefined;
  seen: Observed | undefined;
  verdict: Verdict;
}

/** In the order of the bundle. */
export function besides({ desired, live, health }: PlanInput, rows: ReadonlyMap<string, InventoryRow>): Beside[] {
  return desired.objects.map((wanted, index) => {
    const [name, verdict] = health[index] as PlanInput["health"][number];
    return { wanted, name, row: rows.get(name), seen: live.objects.get(name), verdict };
  });
}
