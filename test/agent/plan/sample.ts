import type { InventoryRow } from "../../../agent/cache/cache.ts";
import { jobVerdicts } from "../../../agent/observe/jobs.ts";
import { judge } from "../../../agent/observe/observed.ts";
import { type ApplyPlan, type PlanInput, plan } from "../../../agent/plan/plan.ts";
import { type KubeObject, nameOf, type Observed, refOf } from "../../../shared/live.ts";
import type { RenderedBundle } from "../../../shared/render/render.ts";
import { rendered } from "../../shared/render/sample.ts";
import { observed } from "../observe/sample.ts";

/** Delegated by name: kinds without a namespace. */
export const KINDS = [
  "*",
  "Namespace",
  "CustomResourceDefinition.apiextensions.k8s.io",
  "PersistentVolume",
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
];

export function bundleOf(objects: readonly KubeObject[]): RenderedBundle {
  return rendered(objects, { kinds: KINDS });
}

/** The inventory's row of an object that an apply of this bundle settled. */
export function row(bundle: RenderedBundle, name: string, changes: Partial<InventoryRow> = {}): InventoryRow {
  const found = bundle.objects.find(({ ref }) => ref.name === name);
  if (found === undefined) throw new Error(`no object ${name}`);
  const { ref: object, hash: desired } = found;
  return { object, uid: `uid-${name}`, desired, fields: "f", live: "l", state: "applied", ...changes };
}

export function rowsOf(bundle: RenderedBundle): InventoryRow[] {
  return bundle.objects.map(({ ref: object, hash: desired }) => {
    return { object, uid: `uid-${object.name}`, desired, fields: "f", live: "l", state: "applied" };
  });
}

export function liveOf(objects: readonly Observed[], unseen: Record<string, string> = {}): PlanInput["live"] {
  return {
    objects: new Map(objects.map((each) => [nameOf(each.ref), each])),
    unseen: new Map(Object.entries(unseen)),
  };
}

export function seen(objects: readonly KubeObject[]): Observed[] {
  return objects.map((object) => observed(object));
}

export function planned(desired: RenderedBundle, changes: Partial<PlanInput> = {}): ApplyPlan {
  const settled = {
    desired,
    live: liveOf([]),
    inventory: [],
    moves: true,
    phases: [],
    jobs: { run: true, records: [] },
    others: new Map(),
    allow: [],
    backoff: new Map(),
    left: new Map(),
    pruneShare: 1,
    removes: false,
    now: 1_000,
  };
  const input = { ...settled, ...changes };
  const health = judge(desired, input.live, jobVerdicts(desired, input.jobs), null);
  return plan({ health, ...input });
}

/** A plan in few words: `apply shop/till: absent`, `delete shop/till`, `waits for breaker: ...`. */
export function inWords({ steps, waitingOn }: ApplyPlan): string[] {
  const name = ({ ref }: ApplyPlan["steps"][number]) => `${ref.kind} ${ref.name}`;
  return [
    ...steps.map((step) => `${step.do} ${name(step)}${detail(step)}`),
    ...waitingOn.map((entry) => `waits for ${entry.on}: ${entry.object} ${entry.words}`.replaceAll(/ +/g, " ").trim()),
  ];
}

export function refName(object: KubeObject): string {
  return nameOf(refOf(object));
}

function detail(step: ApplyPlan["steps"][number]): string {
  if (step.do === "apply") return `: ${step.because}`;
  if (step.do === "finish") return `: ${step.result}`;
  return step.do === "delete" && step.because !== "pruned" ? ` (${step.because})` : "";
}
