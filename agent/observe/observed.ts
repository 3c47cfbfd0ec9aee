import { below, entriesOf, isOurs } from "../../shared/fields.ts";
import { HEALTHY, type Verdict } from "../../shared/health.ts";
import {
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
import type { Overlooked } from "../../shared/render/overlook.ts";
import { BUNDLE_LABEL, type RenderedBundle } from "../../shared/render/render.ts";
import type { Fingerprinting } from "./fingerprint.ts";
import { healthOf, isSilent } from "./health.ts";

/**
 * ms for which a new object of a custom kind may have no status and is not healthy. After that it is taken for one that gets
 * none, as Kubernetes does not tell. A health rule for its kind ends the guess.
 */
const GRACE_MS = 30_000;
const PRUNE_ANNOTATION = "skerry.dev/prune";

/** How the objects of a bundle are judged. */
export interface Rules {
  health: HealthRules;
  /** By object; those of which every part counts are not there. */
  overlooked: ReadonlyMap<string, Overlooked>;
}

/** `rulesOf`: of a bundle, by name. `now`: monotonic ms. `held`: what was known before under this name. */
export function observe(
  object: KubeObject,
  fingerprint: Fingerprinting,
  rulesOf: (bundle: string) => Rules | undefined,
  now: number,
  held?: Observed,
): Observed {
  const labels = object.metadata["labels"];
  const label =
    typeof labels === "object" && labels !== null && !Array.isArray(labels) ? labels[BUNDLE_LABEL] : undefined;
  const bundle = typeof label === "string" ? label : "";
  const ref = refOf(object);
  const rules = rulesOf(bundle);
  const rule = rules?.health.get(`${object.apiVersion} ${object.kind}`);
  const replicas = replicasOf(object);
  const uid = String(object.metadata["uid"] ?? "");
  const silent = rule === undefined && isSilent(object);
  return {
    ref,
    uid,
    resourceVersion: String(object.metadata["resourceVersion"] ?? ""),
    ...fingerprint(object, rules?.overlooked.get(nameOf(ref))),
    verdict: healthOf(object, rule),
    deleting: object.metadata["deletionTimestamp"] !== undefined,
    bundle,
    ...(member(object.metadata, "annotations")[PRUNE_ANNOTATION] === "never" && { keep: true }),
    ...(replicas !== undefined && { replicas }),
    ...(silent && { graceEnds: (held?.uid === uid ? held.graceEnds : undefined) ?? now + GRACE_MS }),
  };
}

/** Who may say how many of it run, where that is ours or was set through `/scale`. */
function replicasOf(object: KubeObject): Observed["replicas"] {
  const entries = entriesOf(object);
  if (entries.some(({ subresource }) => subresource === "scale")) return "scaled";
  const ours = entries.find(isOurs);
  return ours !== undefined && below(ours.fields, ["f:spec", "f:replicas"]) !== undefined ? "ours" : undefined;
}

/** Kinds that two sets of rules judge differently, as `apiVersion kind`. */
export function changedKinds(before: HealthRules, after: HealthRules): ReadonlySet<string> {
  const kinds = new Set([...before.keys(), ...after.keys()]);
  return new Set([...kinds].filter((kind) => before.get(kind)?.source !== after.get(kind)?.source));
}

/** Objects of which other parts count by the one than by the other. */
export function otherwiseOverlooked(before: Rules["overlooked"], after: Rules["overlooked"]): ReadonlySet<string> {
  if (before === after) return new Set();
  const names = new Set([...before.keys(), ...after.keys()]);
  return new Set([...names].filter((name) => JSON.stringify(before.get(name)) !== JSON.stringify(after.get(name))));
}

/** How a bundle is as a whole. Objects that are not there, or not seen, are not healthy. */
export interface Summary {
  total: number;
  healthy: number;
  verdict: Verdict;
}

/**
 * Every object of a bundle, in their order, with its name. `now`: monotonic ms; null where the state is committed: what still has no status had its grace, and a
 * restart of the agent does not begin it anew. `jobs`: what is on record of Jobs, which counts before what is seen of them.
 */
export function judge(
  rendered: Pick<RenderedBundle, "objects">,
  live: LiveView,
  jobs: ReadonlyMap<string, Verdict>,
  now: number | null,
): (readonly [string, Verdict])[] {
  return rendered.objects.map(({ ref }): [string, Verdict] => {
    const name = nameOf(ref);
    return [name, jobs.get(name) ?? verdictOf(ref, live, now)];
  });
}

export function summarise(verdicts: readonly (readonly [string, Verdict])[]): Summary {
  let healthy = 0;
  let progressing: Verdict | undefined;
  let failed: Verdict | undefined;
  for (const [name, verdict] of verdicts) {
    if (verdict.health === "healthy") healthy += 1;
    else if (verdict.health === "failed") failed ??= { health: "failed", because: `${name} ${verdict.because}` };
    else progressing ??= { health: "progressing", because: `${name} ${verdict.because}` };
  }
  return { total: verdicts.length, healthy, verdict: failed ?? progressing ?? HEALTHY };
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
