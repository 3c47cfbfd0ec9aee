import type { Condition, SiteView } from "../api/contract.ts";

/** What a person should know of a site beside its condition: it stops nothing, and a site can have several. */
export const CONCERNS = ["barred", "withheld", "flagged", "ahead"] as const;
export type Concern = (typeof CONCERNS)[number];

/** What sites can be filtered for. */
export type Like = Condition | Concern;

/** Of a site that is retired nothing is expected any more. */
export function concernsOf({ condition, barred, withheld, bundles }: SiteView): Concern[] {
  if (condition === "retired") return [];
  const holds: Readonly<Record<Concern, boolean>> = {
    barred: barred !== null,
    withheld: withheld !== null,
    flagged: bundles.some(({ flags }) => flags.some((flag) => flag !== "no-return")),
    ahead: bundles.some(({ ahead }) => ahead !== null),
  };
  return CONCERNS.filter((concern) => holds[concern]);
}

export function isLike(site: SiteView, like: Like): boolean {
  return site.condition === like || concernsOf(site).some((concern) => concern === like);
}
