import type { FleetView } from "../api/contract.ts";
import { isLike, type Like } from "./concerns.ts";
import { CONCERN, CONDITION, counted, type MarkName, type Sign } from "./words.ts";

/** One thing that a person should look at. */
export interface Need {
  key: string;
  sign: Pick<Sign, "tone" | "mark">;
  what: string;
  why: string;
  /** A run to look at, or the sites to filter for. */
  leads: { run: string } | { condition: Like } | null;
}

const OF_SITES = [
  ["failed", "gave up or refused a version"],
  ["unhealthy", "not healthy on the right version"],
  ["unknown", "not heard of for too long"],
  ["barred", "given nothing new: the root does not stand behind the record"],
  ["withheld", "perhaps kept from news"],
  ["flagged", "running on what would not be accepted anew"],
  ["ahead", "ahead of a run, and left alone by it"],
] as const satisfies readonly (readonly [Like, string])[];
const SIGN: Readonly<Record<Like, Sign>> = { ...CONDITION, ...CONCERN };
const BAD = { tone: "bad", mark: "cross" } as const satisfies { tone: string; mark: MarkName };

/** The gravest first. Being offline is a state and not an error: a site that is merely away needs nobody. */
export function needsOf(fleet: FleetView): Need[] {
  const paused = fleet.runs.filter(({ phase }) => phase === "paused");
  const refused = fleet.rollouts.filter((rollout) => rollout.refused !== null);
  return [
    ...paused.map(
      ({ id, bundle, version, words }): Need => ({
        key: id,
        sign: BAD,
        what: `${bundle} ${version} is paused`,
        why: words.replace(/^paused: /, ""),
        leads: { run: id },
      }),
    ),
    ...refused.map(
      (rollout): Need => ({
        key: `rollout ${rollout.name}`,
        sign: BAD,
        what: `rollouts/${rollout.name}.yaml starts nothing`,
        why: rollout.refused ?? "",
        leads: null,
      }),
    ),
    ...OF_SITES.flatMap(([condition, words]): Need[] => {
      const sites = fleet.sites.filter((site) => isLike(site, condition));
      if (sites.length === 0) return [];
      const what = `${counted(sites.length, "site")} ${words}`;
      return [
        {
          key: condition,
          sign: SIGN[condition],
          what,
          why: listed(sites.map(({ id }) => id)),
          leads: { condition },
        },
      ];
    }),
  ];
}

function listed(ids: readonly string[]): string {
  const more = ids.length > 5 ? ` and ${ids.length - 5} more` : "";
  return `${ids.slice(0, 5).join(", ")}${more}`;
}
