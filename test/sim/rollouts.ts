import type { Chance } from "./chance.ts";

/** Files of the repository: what they move, and which they may come after. */
export const ROLLOUTS = {
  pos: { bundle: "pos", sites: { role: "store" }, after: ["pos-north"] },
  // Meets the one above at the stores of the north.
  "pos-north": { bundle: "pos", sites: { region: "north" }, after: ["pos"] },
  web: { bundle: "web", sites: { role: "store" }, after: [] },
} as const;
export type RolloutName = keyof typeof ROLLOUTS;

/** A rollout file that an operator might write; `behind`: it comes after another. JSON is YAML. */
export function drawRollout(
  chance: Chance,
  name: RolloutName,
  version: string,
  { behind = false, stretch = 1 } = {},
): Record<string, unknown> {
  const { bundle, sites, after } = ROLLOUTS[name];
  const seconds = (least: number, most: number) => `${stretch * chance.whole(least, most)}s`;
  const gate = () => ({
    ...(chance.of(0.5) && { soak: seconds(1, 90) }),
    ...(chance.of(0.4) && { success: chance.one(["100%", "90%", "60%", "34%"]) }),
    ...(chance.of(0.08) && { approve: chance.whole(1, 2) }),
  });
  const waves = [
    { name: "lab", sites: { ring: "lab" }, ...gate() },
    {
      name: "canary",
      take: chance.one([1, 2, "10%", "30%"]),
      ...(chance.of(0.3) && { spread: ["region"] }),
      ...gate(),
    },
    { name: "early", upTo: chance.one(["40%", "70%", 9]), ...gate() },
    { name: "rest", ...gate() },
  ].filter((wave) => wave.name === "rest" || chance.of(0.6));
  return {
    kind: "Rollout/v1",
    bundle,
    version,
    sites,
    ...(chance.of(0.3) && { values: { REPLICAS: chance.whole(1, 3) } }),
    ...(chance.of(0.2) && { prepare: { ready: chance.one(["100%", "80%", "50%"]) } }),
    waves,
    ...(chance.of(0.5) && { quorum: chance.one(["10%", "50%", "80%", "100%"]) }),
    ...(chance.of(0.5) && {
      failure: {
        ...(chance.of(0.7) && { over: chance.one(["0%", "10%", "25%", "50%"]) }),
        ...(chance.of(0.5) && { minSample: chance.whole(1, 5) }),
        // oxlint-disable-next-line unicorn/no-thenable -- the file's own key, and never a function
        ...(chance.of(0.5) && { then: chance.one(["pause", "revertWave", "revertAll"]) }),
      },
    }),
    ...(chance.of(0.5) && {
      pace: {
        ...(chance.of(0.6) && { concurrent: chance.whole(1, 4) }),
        ...(chance.of(0.5) && { perMinute: chance.whole(1, 6) }),
        ...(chance.of(0.3) && { ramp: chance.one([0.5, 1, 2]) }),
      },
    }),
    site: { deadline: seconds(60, 400), offlineAfter: seconds(20, 90), reportEvery: seconds(5, 30) },
    ...(chance.of(0.2) && { offlineAtMost: chance.one(["20%", "50%"]) }),
    ...(chance.of(0.4) && { late: chance.one(["next", "last", "ignore"]) }),
    ...(chance.of(0.15) && {
      windows: [{ cron: "*/20 * * * *", for: "10m", zone: chance.one(["Europe/Berlin", "site"]) }],
    }),
    ...(after.length > 0 &&
      (chance.of(0.05) || behind) && { after: [{ rollout: chance.one(after), soak: seconds(0, 240) }] }),
    ...(chance.of(0.05) && { lane: "emergency" }),
  };
}
