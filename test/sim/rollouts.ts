import type { Chance } from "./chance.ts";

/** A rollout file that an operator might write. JSON is YAML. */
export function drawRollout(chance: Chance, bundle: string, version: string): Record<string, unknown> {
  const seconds = (least: number, most: number) => `${chance.whole(least, most)}s`;
  const gate = () => ({
    ...(chance.of(0.5) && { soak: seconds(1, 90) }),
    ...(chance.of(0.4) && { success: chance.one(["100%", "90%", "60%", "34%"]) }),
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
  ].filter(({ name }) => name === "rest" || chance.of(0.6));
  return {
    kind: "Rollout/v1",
    bundle,
    version,
    sites: { role: "store" },
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
    ...(chance.of(0.15) && { windows: [{ cron: "*/20 * * * *", for: "10m", zone: "Europe/Berlin" }] }),
  };
}
