import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { connect } from "../../agent/apply/connect.ts";
import { execute } from "../../agent/apply/execute.ts";
import type { Kube } from "../../agent/apply/kube.ts";
import { sqliteCache } from "../../agent/cache/sqlite.ts";
import { counting, newTally } from "../../agent/local/tally.ts";
import { Live } from "../../agent/observe/live.ts";
import { rehearse } from "../../agent/rehearse.ts";
import { keepSmall } from "../../agent/small.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { silent } from "../../shared/ports.ts";
import { digestOf, imagesOf } from "../../shared/render/images.ts";
import { KINDS, planned } from "../agent/plan/sample.ts";
import { findBinaries } from "../k8s/binaries.ts";
import { startControlPlane } from "../k8s/cluster.ts";
import type { SiteAccess } from "../k8s/sites.ts";
import { until } from "../lab/demo/stage.ts";
import { rendered } from "../shared/render/sample.ts";
import { fingerprint } from "../support/secrets.ts";
import { type BenchResult, figureOf, machine, percentile } from "./figures.ts";
import { manyObjects } from "./forty.ts";

const run = promisify(execFile);
/** Without their namespace: it is there, or a dry run could not look at what is in it. */
const OBJECTS = manyObjects(501).slice(1);
const IMAGES = OBJECTS.flatMap(imagesOf).map(({ image }) => ({ ref: image, digest: digestOf(image) ?? "" }));
const BUNDLE = rendered(OBJECTS, { namespaces: ["*"], kinds: KINDS }, { images: IMAGES });
const NAMESPACE = { apiVersion: "v1", kind: "Namespace", namespace: "", name: "bench" };
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * 500 objects on Kubernetes 1.36, in turns by `kubectl apply --server-side` of the same build and by the agent's own stage: plan,
 * inventory on disk, apply, settle. Then once more, where nothing changed. The dry run of all of them is what `prepare` does.
 */
export async function apply(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { runs: { type: "string", default: "3" } } });
  const before = machine();
  const runs = Number(values.runs);
  const { kubectl } = await findBinaries();
  const plane = await startControlPlane({ sites: 1 });
  const folder = mkdtempSync(join(tmpdir(), "skerry-apply-"));
  // As the agent's program does.
  keepSmall();
  try {
    const [site] = plane.sites;
    if (site === undefined) throw new Error("no site");
    const file = join(folder, "objects.json");
    writeFileSync(file, OBJECTS.map((object) => JSON.stringify(object)).join("\n---\n"));
    const theirs = { first: [] as number[], again: [] as number[] };
    const ours = { first: [] as number[], again: [] as number[], dry: [] as number[], requests: [] as number[] };
    for (let each = 0; each < runs; each += 1) {
      await withNamespace(site, async () => {
        for (const which of ["first", "again"] as const)
          theirs[which].push(await timed(() => run(kubectl, applyBy(site, file))));
      });
      await withNamespace(site, async () => {
        const found = await byOurselves(site, join(folder, `${each}.db`));
        for (const which of ["first", "again", "dry", "requests"] as const) ours[which].push(found[which]);
      });
    }
    const peer = { name: "kubectl apply --server-side", value: percentile(theirs.first, 0.5) };
    const peerAgain = { name: "kubectl apply --server-side", value: percentile(theirs.again, 0.5) };
    const both = ours.first.map((ms, index) => ms + (ours.dry[index] ?? 0));
    return {
      name: "apply",
      machine: before,
      runs,
      figures: [
        figureOf("500 objects, first", "ms", ours.first, { peer, goal: { of: "median", atMost: 0.55 * peer.value } }),
        figureOf("dry run of all, and then first", "ms", both, { peer, goal: { of: "median", atMost: peer.value } }),
        figureOf("500 objects, again", "ms", ours.again, { peer: peerAgain }),
        figureOf("requests, again", "requests", ours.requests, { goal: { of: "max", atMost: 0 } }),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true });
    await plane.stop();
  }
}

function applyBy({ kubeconfig }: SiteAccess, file: string): string[] {
  return ["--kubeconfig", kubeconfig, "apply", "--server-side", "--field-manager=skerry", "-f", file];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function withNamespace(site: SiteAccess, work: () => Promise<void>): Promise<void> {
  const kube = await connect({ kubeconfig: site.kubeconfig });
  const metadata = { name: NAMESPACE.name };
  const { object } = await kube.apply(
    { apiVersion: "v1", kind: "Namespace", metadata },
    { manager: "bench", force: true, dryRun: false },
  );
  await work();
  await kube.remove(NAMESPACE, { uid: String(object.metadata["uid"]), propagation: "Background" });
  await until("the namespace is gone", 120_000, async () => (await kube.get(NAMESPACE)) === null);
  kube.close();
}

async function byOurselves(
  site: SiteAccess,
  file: string,
): Promise<{ first: number; again: number; dry: number; requests: number }> {
  const tally = newTally();
  // As in a pod: a file each for the token and the CA.
  const { server, caFile } = site;
  const tokenFile = `${file}.token`;
  writeFileSync(tokenFile, site.agentToken);
  const connection = await connect({ server, caFile, tokenFile });
  const kube = counting(connection, tally);
  const cache = sqliteCache({ file, journal: silent });
  const live = new Live({
    kube: connection,
    clock: systemClock,
    random: Math.random,
    log: QUIET,
    onChange: () => {},
    fingerprint,
  });
  live.follow(BUNDLE.objects.map(({ ref }) => ref));
  const seen = () => until("all kinds are seen", 60_000, async () => live.view().unseen.size === 0);
  try {
    await seen();
    const dry = await timed(() => dryRun(kube, live));
    const stage = () => pass({ kube, cache, live });
    const first = await timed(stage);
    if (cache.inventory(BUNDLE.bundle).some(({ state }) => state !== "applied")) throw new Error("not all are applied");
    tally.requests.clear();
    const again = await timed(stage);
    return { first, again, dry, requests: [...tally.requests.values()].reduce((sum, count) => sum + count, 0) };
  } finally {
    live.close();
    connection.close();
    cache.close();
  }
}

async function dryRun(kube: Kube, live: Live): Promise<void> {
  const manifest = { prune: { share: "100%" } } as Parameters<typeof rehearse>[0]["manifest"];
  const found = await rehearse({
    manifest,
    wanted: BUNDLE,
    running: null,
    live: live.view(),
    inventory: [],
    jobs: { run: true, records: [] },
    others: new Map(),
    kube,
    isOver: () => false,
  });
  const answered = found.changes.filter(({ action }) => action === "create" || action === "change");
  if (answered.length < OBJECTS.length) throw new Error(`only ${answered.length} were tried: ${found.again}`);
}

async function pass({ kube, cache, live }: { kube: Kube; cache: ReturnType<typeof sqliteCache>; live: Live }) {
  const steps = planned(BUNDLE, { live: live.view(), inventory: cache.inventory(BUNDLE.bundle) });
  const hands = {
    kube,
    cache,
    live,
    fingerprint,
    journal: silent,
    note: () => {},
    mayHeal: () => true,
    healed: () => {},
    leave: () => false,
    tell: () => {},
  };
  const failures = await execute(steps, hands, () => false);
  if (failures[0] !== undefined) throw new Error(`${failures[0].object}: ${failures[0].error.message}`);
}
