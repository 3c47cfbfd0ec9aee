import { type KubeObject, type Observed, refOf } from "../../../shared/live.ts";

/** An object as the watched snapshot holds it after our own apply. */
export function observed(object: KubeObject, changes: Partial<Observed> = {}): Observed {
  return {
    ref: refOf(object),
    uid: `uid-${object.metadata.name}`,
    resourceVersion: "1",
    fields: "f",
    live: "l",
    verdict: { health: "healthy" },
    deleting: false,
    bundle: "pos",
    ...changes,
  };
}
