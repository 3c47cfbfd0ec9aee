import type { ErrorCode } from "../shared/errors.ts";
import {
  FIELD_MANAGER,
  type KubeObject,
  type LiveView,
  member,
  nameOf,
  type ObjectRef,
  unseenBecause,
} from "../shared/live.ts";
import { share } from "../shared/names.ts";
import { NOTHING } from "../shared/render/overlook.ts";
import type { RenderedBundle, RenderedObject } from "../shared/render/render.ts";
import { BUNDLE_LABEL } from "../shared/render/render.ts";
import { adoption } from "./apply/adoption.ts";
import { type Applied, type Kube, KubeError } from "./apply/kube.ts";
import { withheld } from "./apply/withheld.ts";
import type { InventoryRow } from "./cache/cache.ts";
import { isHeldBy, type Others } from "./plan/claims.ts";
import { hasPlace } from "./plan/jobs.ts";
import { isJob } from "./plan/order.ts";
import type { PlanInput } from "./plan/plan.ts";
import { prune } from "./plan/prune.ts";
import { isSettled } from "./prepare/basis.ts";
import { type Brings, bringsOf, isGround, isWebhook, seenBy } from "./prepare/brings.ts";
import { changedFields, saidFields, type Told } from "./prepare/changed-fields.ts";
import { schemaProblem } from "./prepare/definitions.ts";
import type { ObjectChange } from "./prepare/diff.ts";
import { meaningOf } from "./prepare/meaning.ts";
import { isSecret } from "./prepare/shown.ts";
import type { Content } from "./pull/content.ts";

/** Fewer than an apply has: what runs comes first. */
const AT_ONCE = 4;

export interface Rehearsal {
  manifest: Content["manifest"];
  wanted: RenderedBundle;
  /** What runs now; null where nothing does. */
  running: RenderedBundle | null;
  live: LiveView;
  inventory: readonly InventoryRow[];
  /** As the move would begin with them. */
  jobs: PlanInput["jobs"];
  others: Others;
  kube: Pick<Kube, "get" | "apply">;
  /** Nobody wants to know any more. */
  isOver(): boolean;
}

export interface Found {
  changes: readonly ObjectChange[];
  /** Why the cluster would not take it, and of which object. */
  refused: { code: ErrorCode; words: string } | null;
  /** Why it could not be told: ask again. */
  again: string | null;
}

type Result = ObjectChange | { again: string };

/**
 * Every object of a bundle against the cluster, by dry runs: nothing changes there. One request for an object that is not there, two for one that
 * is, none for one that is as it shall be; those that others wait for come first.
 */
export async function rehearse(rehearsal: Rehearsal): Promise<Found> {
  const { wanted, live, inventory, isOver } = rehearsal;
  const brings = bringsOf(wanted.objects.map(({ object }) => object));
  const rows = new Map(inventory.map((row) => [nameOf(row.object), row]));
  const before = new Map((rehearsal.running?.objects ?? []).map((each) => [nameOf(each.ref), told(each)]));
  const input = planInput(rehearsal);
  const coming = new Set<string>();
  const results: Result[] = [];
  const ask = async (object: RenderedObject): Promise<void> => {
    const name = nameOf(object.ref);
    const stays = isJob(object.ref) ? !isToRun(object, input) : isSettled(object, rows.get(name), live);
    if (stays) {
      results.push({ object: name, action: "unchanged", fields: [], warnings: [] });
      return;
    }
    const result = await resultOf(object, before.get(name) ?? null, { ...rehearsal, brings, coming });
    if ("action" in result && (result.action === "create" || result.action === "change")) noteComing(object, coming);
    results.push(result);
  };
  const ground = wanted.objects.filter(({ ref }) => isGround(ref) || isWebhook(ref));
  const rest = wanted.objects.filter((object) => !ground.includes(object));
  for (const part of [ground, rest]) {
    const queue = [...part];
    const worker = async () => {
      for (let next = queue.shift(); next !== undefined && !isOver(); next = queue.shift()) await ask(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }
  if (isOver()) return { changes: [], refused: null, again: "nobody asks any more" };
  results.push(...leaving(input));
  const changes = results.filter((each) => "action" in each);
  const [refused] = changes
    .filter(({ action }) => action === "refused")
    .toSorted((a, b) => (a.object < b.object ? -1 : 1));
  const again = results.find((each) => "again" in each);
  return {
    changes,
    refused: refused === undefined ? null : { code: "kube", words: `${refused.object} ${refused.words}`.trim() },
    again: again === undefined ? null : again.again,
  };
}

/** As the plan of the move will have it, where nothing fails. */
function planInput({ manifest, wanted, live, inventory, jobs, others }: Rehearsal): PlanInput {
  const { prune: rules } = manifest;
  return {
    desired: wanted,
    live,
    inventory,
    health: [],
    moves: true,
    phases: [],
    jobs,
    others,
    backoff: new Map(),
    pruneShare: manifest.remove === true ? 1 : share(rules.share),
    left: new Map(),
    allow: rules.allow ?? [],
    removes: manifest.remove === true,
    now: 0,
  };
}

function isToRun({ ref }: RenderedObject, { jobs, desired }: PlanInput): boolean {
  const name = nameOf(ref);
  const isThrough = jobs.records.some(({ object, digest }) => digest === desired.digest && nameOf(object) === name);
  return jobs.run && !isThrough;
}

/** Objects of ours that are in the cluster and not in what is wanted. */
function leaving(input: PlanInput): Result[] {
  const rows = new Map(input.inventory.map((row) => [nameOf(row.object), row]));
  for (const each of input.desired.objects)
    if (!isJob(each.ref) || hasPlace(each, input)) rows.delete(nameOf(each.ref));
  const { steps, waitingOn } = prune(input, rows);
  const entry = (object: string, action: "delete" | "refused", words?: string): Result => {
    return { object, action, fields: [], warnings: [], ...(words !== undefined && { words }) };
  };
  const waits = waitingOn.flatMap(({ on, object, words }): Result[] => {
    if (on === "order") return [entry(object, "delete")];
    if (on === "breaker") return [entry(object, "refused", words)];
    return on === "watch" ? [{ again: `${object} ${words}` }] : [];
  });
  return [...steps.flatMap((step) => (step.do === "delete" ? [entry(nameOf(step.ref), "delete")] : [])), ...waits];
}

/** What others wait for, where it is not in the cluster yet as the bundle has it. */
function noteComing({ ref }: RenderedObject, coming: Set<string>): void {
  if (ref.kind === "Namespace") coming.add(`namespace ${ref.name}`);
  if (isWebhook(ref)) coming.add("webhooks");
}

type Around = Rehearsal & { brings: Brings; coming: ReadonlySet<string> };

async function resultOf(wanted: RenderedObject, running: Told | null, around: Around): Promise<Result> {
  const { ref } = wanted;
  const { brings, coming, kube } = around;
  const base = { object: nameOf(ref), warnings: [] };
  const said = () => saidFields(told(wanted));
  const schema = brings.definitions.get(`${ref.apiVersion} ${ref.kind}`);
  const problem = schema === undefined ? null : schemaProblem(wanted.object, schema);
  if (problem !== null) return { ...base, action: "refused", fields: [], words: `its own definition: ${problem}` };
  const unchecked = (words: string): Result => ({ ...base, action: "not-checked", fields: said(), words });
  if (coming.has(`namespace ${ref.namespace}`))
    return unchecked(`its namespace ${ref.namespace} comes with this bundle`);
  const desired = wanted.opened?.reveal() ?? wanted.object;
  const dryRun = (object: KubeObject) => kube.apply(object, { manager: FIELD_MANAGER, force: true, dryRun: true });
  try {
    const first = isNew(ref, around.live) ? await blind(() => dryRun(desired)) : null;
    const live = first?.created === true ? null : await kube.get(ref);
    const holder = live === null ? "" : member(live.metadata, "labels")[BUNDLE_LABEL];
    const isAnothers = typeof holder === "string" && holder !== "" && holder !== around.wanted.bundle;
    if (isAnothers && isHeldBy(holder, nameOf(ref), around.others)) {
      return { ...base, action: "refused", fields: [], words: `bundle ${holder} has it` };
    }
    if (live?.metadata["deletionTimestamp"] !== undefined) return { again: "its predecessor is still being deleted" };
    const { ignored } = around.wanted.overlooked.get(nameOf(ref)) ?? NOTHING;
    const sent = live === null ? desired : withheld(desired, live, ignored);
    const answer = first !== null && sent === desired ? first : await dryRun(sent);
    if (coming.has("webhooks") && seenBy(brings.webhooks, ref)) {
      return unchecked("an admission webhook that comes with this bundle has not seen it");
    }
    const warnings = warningsOf(wanted, answer.warnings);
    if (isJob(ref) && live !== null) return { ...base, action: "recreate", fields: said(), warnings };
    if (live === null) return { ...base, action: "create", fields: said(), warnings };
    const adopted = adoption(live, desired, ignored);
    const fields = changedFields({ live, answer: answer.object, wanted: told(wanted), running, adopted });
    return { ...base, action: fields.length === 0 ? "unchanged" : "change", fields, warnings };
  } catch (error) {
    const meaning = meaningOf(error, ref, brings);
    switch (meaning.is) {
      case "again":
        return { again: `${nameOf(ref)}: ${meaning.words}` };
      case "not-checked":
        return unchecked(meaning.words);
      case "immutable":
        // Of a Job that another version ran, this one makes its own.
        if (isJob(ref) || wanted.recreate) return { ...base, action: "recreate", fields: said() };
        return { ...base, action: "refused", fields: [], words: meaning.words };
      case "refused":
        return { ...base, action: "refused", fields: [], words: meaning.words };
    }
  }
}

/** Nobody made it for any bundle, as far as is seen: it is most likely not there. */
function isNew(ref: ObjectRef, live: LiveView): boolean {
  return !live.objects.has(nameOf(ref)) && unseenBecause(live, ref) === undefined;
}

/** null where the object is refused for what it is beside one that is there after all: then that one is looked at first. */
async function blind(dryRun: () => Promise<Applied>): Promise<Applied | null> {
  try {
    return await dryRun();
  } catch (error) {
    if (error instanceof KubeError && error.status === 422) return null;
    throw error;
  }
}

/** What a server warns of at a Secret may name a value. */
function warningsOf({ ref }: RenderedObject, warnings: readonly string[]): readonly string[] {
  return isSecret(ref) && warnings.length > 0 ? ["the API server warns of this Secret"] : warnings;
}

function told({ object, shown = object }: RenderedObject): Told {
  return { object, shown };
}
