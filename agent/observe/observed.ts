import { HEALTHY, type Verdict } from "../../shared/health.ts";
import {
  FIELD_MANAGER,
  type KubeObject,
  type LiveView,
  member,
  nameOf,
  type ObjectRef,
  type Observed,
  refOf,
  unseenBecause,
} from "../../shared/live.ts";
import type { HealthRules } from "../../shared/render/health-rules.ts";
import { BUNDLE_LABEL, type RenderedBundle } from "../../shared/render/render.ts";
import type { Fingerprinting } from "./fingerprint.ts";
import { healthOf, isSilent } from "./health.ts";

/**
 * ms for which a new object of a custom kind may have no status and is not healthy. After that it is taken for one that gets
 * none, as Kubernetes does not tell. A health rule for its kind ends the guess.
 */
const GRACE_MS = 30_000;
const PRUNE_ANNOTATION = "skerry.dev/prune";

/** `rulesOf`: of a bundle, by name. `now`: monotonic ms. `held`: what was known before under this name. */
export function observe(
  object: KubeObject,
  fingerprint: Fingerprinting,
  rulesOf: (bundle: string) => HealthRules | undefined,
  now: number,
  held?: Observed,
): Observed {
  const labels = object.metadata["labels"];
  const label =
    typeof labels === "object" && labels !== null && !Array.isArray(labels) ? labels[BUNDLE_LABEL] : undefined;
  const bundle = typeof label === "string" ? label : "";
  const rule = rulesOf(bundle)?.get(`${object.apiVersion} ${object.kind}`);
  const uid = String(object.metadata["uid"] ?? "");
  const silent = rule === undefined && isSilent(object);
  return {
    ref: refOf(object),
    uid,
    resourceVersion: String(object.metadata["resourceVersion"] ?? ""),
    ...fingerprint(object, FIELD_MANAGER),
    verdict: healthOf(object, rule),
    deleting: object.metadata["deletionTimestamp"] !== undefined,
    bundle,
    ...(member(object.metadata, "annotations")[PRUNE_ANNOTATION] === "never" && { keep: true }),
    ...(silent && { graceEnds: (held?.uid === uid ? held.graceEnds : undefined) ?? now + GRACE_MS }),
  };
}

/** Kinds that two sets of rules judge differently, as `apiVersion kind`. */
export function changedKinds(before: HealthRules, after: HealthRules): ReadonlySet<string> {
  const kinds = new Set([...before.keys(), ...after.keys()]);
  return new Set([...kinds].filter((kind) => before.get(kind)?.source !== after.get(kind)?.source));
}

/** How a bundle is as a whole. Objects that are not there, or not seen, are not healthy. */
export interface Summary {
  total: number;
  healthy: number;
  verdict: Verdict;
}

/**
 * Every object of a bundle, by name. `now`: monotonic ms; null where the state is committed: what still has no status had its grace, and a
 * restart of the agent does not begin it anew. `jobs`: what is on record of Jobs, which counts before what is seen of them.
 */
export function judge(
  rendered: Pick<RenderedBundle, "objects">,
  live: LiveView,
  jobs: ReadonlyMap<string, Verdict>,
  now: number | null,
): Map<string, Verdict> {
  return new Map(
    rendered.objects.map(({ ref }): [string, Verdict] => {
      const name = nameOf(ref);
      return [name, jobs.get(name) ?? verdictOf(ref, live, now)];
    }),
  );
}

export function summarise(verdicts: ReadonlyMap<string, Verdict>): Summary {
  let healthy = 0;
  let progressing: Verdict | undefined;
  let failed: Verdict | undefined;
  for (const [name, verdict] of verdicts) {
    if (verdict.health === "healthy") healthy += 1;
    else if (verdict.health === "failed") failed ??= { health: "failed", because: `${name} ${verdict.because}` };
    else progressing ??= { health: "progressing", because: `${name} ${verdict.because}` };
  }
  return { total: verdicts.size, healthy, verdict: failed ?? progressing ?? HEALTHY };
}

function verdictOf(ref: ObjectRef, live: LiveView, now: number | null): Verdict {
  const unseen = unseenBecause(live, ref);
  if (unseen !== undefined) return { health: "progressing", because: `cannot be seen: ${unseen}` };
  const seen = live.objects.get(nameOf(ref));
  if (seen === undefined) return { health: "progressing", because: "is not there" };
  const { verdict, graceEnds } = seen;
  const waits = verdict.health === "healthy" && graceEnds !== undefined && now !== null && now < graceEnds;
  return waits ? { health: "progressing", because: "has no status yet" } : verdict;
}
