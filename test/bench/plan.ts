import { parseArgs } from "node:util";
import type { InventoryRow } from "../../agent/cache/cache.ts";
import { judge } from "../../agent/observe/observed.ts";
import { type PlanInput, plan } from "../../agent/plan/plan.ts";
import { type KubeObject, nameOf, type Observed } from "../../shared/live.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { NO_RULES } from "../../shared/render/health-rules.ts";
import { BUNDLE_LABEL, type RenderedBundle } from "../../shared/render/render.ts";
import { observed } from "../agent/observe/sample.ts";
import { configMap } from "../support/fleet.ts";
import { type BenchResult, type Figure, figureOf, machine } from "./figures.ts";

const SIZES = [500, 5_000, 50_000];
const OBJECTS = 50_000;
const PHASES: PlanInput["phases"] = [
  { name: "first", objects: { namespace: "shop-1" } },
  { name: "second", objects: { namespace: "shop-2" } },
];

/**
 * One plan of a move: a tenth of the objects changed, a tenth drifted, a tenth leaves, in two phases, with namespaces and definitions of the
 * bundle's own. The limit is one look-up by name for each object in what is live and in the inventory.
 */
export async function planBench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { runs: { type: "string", default: "15" } } });
  const before = machine();
  const figures: Figure[] = [];
  // Compiled before the first figure is taken.
  const warm = inputOf(5_000);
  for (let turn = 0; turn < 20; turn += 1) plan(warm);
  let perObject = Number.POSITIVE_INFINITY;
  for (const size of SIZES) {
    // As many objects at every size, none of them twice: one plan over and over would be one of what the processor has at hand.
    const inputs = Array.from({ length: Math.max(1, OBJECTS / size) }, () => inputOf(size));
    const each = (work: (input: PlanInput) => unknown) => timed(() => inputs.forEach(work)) / inputs.length;
    const took = Array.from({ length: Number(values.runs) }, () => each(plan));
    const limit = each(lookUp);
    const same = 1.2 * perObject * size;
    const atMost = size === 5_000 ? Math.min(100, same) : same;
    const goal = Number.isFinite(atMost) ? { goal: { of: "median", atMost } as const } : {};
    const figure = figureOf(`a plan of ${size} objects`, "ms", took, {
      limit: { name: "two look-ups for each", value: limit },
      ...goal,
    });
    if (!Number.isFinite(perObject)) perObject = figure.median / size;
    figures.push(figure);
  }
  return { name: "plan", machine: before, runs: Number(values.runs), figures };
}

/** The n-th of ten objects: changed, drifted, leaving, or as it should be. */
function inputOf(size: number): PlanInput {
  const objects: RenderedBundle["objects"][number][] = [];
  const inventory: InventoryRow[] = [];
  const live = new Map<string, Observed>();
  for (let index = 0; index < size; index += 1) {
    const object = objectAt(index);
    const { namespace = "", name } = object.metadata as { namespace?: string; name: string };
    const ref = { apiVersion: object.apiVersion, kind: object.kind, namespace, name };
    const hash = sha256Hex(Buffer.from(name));
    const tenth = index % 10;
    if (tenth !== 2) objects.push({ ref, object, hash, recreate: false });
    const desired = tenth === 0 ? "before" : hash;
    inventory.push({ object: ref, uid: `uid-${name}`, desired, fields: "f", live: "l", state: "applied" });
    live.set(nameOf(ref), observed(object, tenth === 1 ? { live: "edited" } : {}));
  }
  const drift = { drift: "correct", overlooked: new Map<string, never>() };
  const desired = { bundle: "pos", digest: "d", objects, health: NO_RULES, ...drift } as unknown as RenderedBundle;
  const view = { objects: live, unseen: new Map<string, string>() };
  return {
    desired,
    live: view,
    inventory,
    health: judge(desired, view, new Map(), 0),
    moves: true,
    phases: PHASES,
    jobs: { run: true, records: [] },
    others: new Map([["base", { runs: new Set<string>(), wants: null, isComing: false }]]),
    backoff: new Map(),
    left: new Map(),
    pruneShare: 0.5,
    allow: [],
    removes: false,
    now: 0,
  };
}

function objectAt(index: number): KubeObject {
  const name = `object-${index}`;
  if (index % 100 === 3) return { apiVersion: "v1", kind: "Namespace", metadata: { name: `shop-${index}` } };
  if (index % 100 === 4) return { apiVersion: "example.com/v1", kind: "Till", metadata: { name, namespace: "shop-1" } };
  const object = configMap(name);
  const labels = { [BUNDLE_LABEL]: "pos" };
  return { ...object, metadata: { ...object.metadata, namespace: `shop-${index % 5}`, labels } };
}

function lookUp({ desired, live, inventory }: PlanInput): number {
  const rows = new Map(inventory.map((row) => [nameOf(row.object), row]));
  return desired.objects.filter(({ ref }) => live.objects.get(nameOf(ref))?.uid === rows.get(nameOf(ref))?.uid).length;
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
