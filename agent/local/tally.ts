import type { Kube } from "../apply/kube.ts";

/** What an agent has done since it started. */
export interface Tally {
  cycles: number;
  cycleSeconds: number;
  driftHealed: number;
  /** By method of the port: a closed list. */
  requests: Map<string, number>;
  /** When something last went well, wall clock, ms: a cycle, a look at a source, an answer of the hub. */
  lastSuccess: Map<"cycle" | "source" | "hub", number>;
}

export function newTally(): Tally {
  return { cycles: 0, cycleSeconds: 0, driftHealed: 0, requests: new Map(), lastSuccess: new Map() };
}

/** The same port; what is asked of it is counted. A watch counts once, however long it is open. */
export function counting<K extends Kube>(kube: K, { requests }: Tally): K {
  return new Proxy(kube, {
    get: (target, key) => {
      const found: unknown = Reflect.get(target, key);
      if (typeof found !== "function" || key === "close") return found;
      return (...given: unknown[]) => {
        const verb = String(key);
        requests.set(verb, (requests.get(verb) ?? 0) + 1);
        return Reflect.apply(found, target, given);
      };
    },
  });
}
