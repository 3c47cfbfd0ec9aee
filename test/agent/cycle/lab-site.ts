import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { connect } from "../../../agent/apply/connect.ts";
import type { Kube } from "../../../agent/apply/kube.ts";
import { BundleCycle, type World } from "../../../agent/bundle-cycle.ts";
import type { Hold } from "../../../agent/cache/cache.ts";
import { newTally } from "../../../agent/local/tally.ts";
import { Live } from "../../../agent/observe/live.ts";
import type { Circumstances } from "../../../agent/shelf.ts";
import type { Assignment } from "../../../shared/assignment.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import type { Pair } from "../../../shared/names.ts";
import { systemClock } from "../../../shared/node/clock.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { Clock, Journal } from "../../../shared/ports.ts";
import type { SiteRecord } from "../../../shared/site.ts";
import { startLabCluster } from "../../lab/kube/cluster.ts";
import { DIGEST, IMAGE } from "../../shared/render/sample.ts";
import { memoryCache } from "../../support/cache.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { keys, NOW, signedBundle, signedRoot, signedSite, trustedRoot } from "../../support/fleet.ts";
import { fingerprint, unsealing } from "../../support/secrets.ts";
import { trustUnder } from "../talk/talking-site.ts";

type RootChanges = Parameters<typeof trustedRoot>[0];

const GIVE_UP_MS = 60_000;
const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const FORCED = { manager: "tester", force: true, dryRun: false };

/** One bundle at one site on the lab's API server, without hub and sources: versions are put on its disk. */
export async function labSite(journal: Journal = () => {}) {
  const lab = await startLabCluster({ podDelayMs: 10 });
  const tokenFile = fileInFolder("token");
  writeFileSync(tokenFile, lab.token);
  const kube = await connect({ server: lab.server, tokenFile });
  const site = await siteOn(kube, { journal });
  onTestFinished(async () => {
    kube.close();
    await lab.stop();
  });
  return { ...site, lab };
}

/** The same on any API server. `root`: what differs from the root of the tests. */
export async function siteOn(
  kube: Kube & { close(): void },
  {
    journal = () => {},
    namespace = "shop",
    root = {},
  }: { journal?: Journal; namespace?: string; root?: RootChanges } = {},
) {
  const cache = memoryCache({ journal });
  const trust = trustUnder(trustedRoot(root));
  let skipped = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skipped };
  let live: Live;
  let cycle: BundleCycle;
  let changes: Partial<Circumstances> = {};

  /** What a start of the agent makes anew; cache and cluster stay. */
  function restart(): void {
    live?.close();
    live = new Live({ kube, clock, random: () => 0.1, log: LOG, onChange: () => {}, fingerprint });
    const world: World = {
      site: "s-1",
      unseal: unsealing,
      fingerprint,
      cache,
      live,
      kube,
      clock,
      random: () => 0,
      journal,
      log: LOG,
      tally: newTally(),
    };
    cycle = new BundleCycle("pos", world);
  }

  const hold = (): Hold | null => cache.holds()[0] ?? null;
  const run = () =>
    cycle.run({
      assignment: null,
      adopt: false,
      adoption: null,
      trust,
      time: { now: NOW, synced: true },
      boot: "0".repeat(16),
      marksKnown: true,
      held: null,
      neighbours: new Map(),
      others: new Map(),
      ...changes,
    });

  cache.keepRoot(1, signedRoot(root));
  cache.keepRecord({ number: 1, root: 1, document: signedSite() });
  restart();
  await kube.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, FORCED);
  onTestFinished(() => live.close());

  function shelve(seq: number, objects: readonly KubeObject[], more: Partial<Bundle> = {}): Assignment {
    const health = { holdFor: "0", deadline: "60s" };
    const images = [{ ref: "registry.example/till:1", digest: DIGEST }];
    const made = signedBundle({ seq, health, images, ...more }, objects, { pos: keys.pos, site: keys.site });
    const version = { bundle: "pos", version: `1.${seq - 1}.0`, digest: made.digest, root: 1, complete: true };
    const pair: Pair = [more.epoch ?? 1, seq];
    const floor: Pair = more.floor ?? [1, Math.max(1, seq - 1)];
    cache.keepManifest({ ...version, pair, floor, files: [...made.checked.keys()] }, made.document);
    for (const bytes of made.files.values()) cache.keepBlob(sha256Hex(bytes), bytes);
    const { bundle, digest } = version;
    const rest = { mode: "run" as const, run: "pos-1", wave: "all", values: {} };
    return { bundle, version: version.version, digest, pair, record: 1, ...rest };
  }

  return {
    kube,
    cache,
    trust,
    hold,
    run,
    restart,
    /** Jumps ahead: deadlines and backoffs pass at once. */
    skip: (ms: number) => {
      skipped += ms;
    },
    /** Puts a version on disk. Returns what assigns it. */
    shelve,
    /** Puts a version on disk and assigns it. */
    assign: (
      seq: number,
      objects: readonly KubeObject[],
      more: Partial<Bundle> = {},
      item: Partial<Assignment> = {},
    ) => {
      const whole = { ...shelve(seq, objects, more), ...item };
      changes = { ...changes, assignment: { item: whole, expires: "2999-01-01T00:00:00Z" } };
    },
    /** Another record comes, and holds. */
    record: (record: Partial<SiteRecord>) => {
      const document = signedSite(record);
      cache.keepRecord({ number: record.number ?? 1, root: 1, document });
      changes = { ...changes, trust: trustUnder(trustedRoot(root), document) };
    },
    /** What else the site is, from now on. */
    now: (more: Partial<Circumstances>) => {
      changes = { ...changes, ...more };
    },
    /** Runs the cycle, as the loop would, until it holds. */
    until: async (what: string, holds: () => boolean | Promise<boolean>) => {
      const end = Date.now() + GIVE_UP_MS;
      for (;;) {
        const situation = await run();
        if (await holds()) return;
        if (Date.now() > end) throw new Error(`not ${what}: ${JSON.stringify({ ...situation, hold: hold()?.state })}`);
        await sleep(10);
      }
    },
    /** `committed 1.0.0` */
    state: () => `${hold()?.state} ${hold()?.running.version}`,
    /** The names of our objects in the cluster, by kind. */
    names: async (kind = "ConfigMap", apiVersion = "v1") =>
      (await kube.list({ apiVersion, kind }, { labels: "skerry.dev/bundle=pos" })).objects
        .map((object) => object.metadata.name)
        .toSorted(),
    data: async (name: string) => (await kube.get({ apiVersion: "v1", kind: "ConfigMap", namespace, name }))?.["data"],
    /** Somebody else edits, or deletes. */
    edit: (object: KubeObject) => kube.apply(object, FORCED),
    remove: async (name: string) => {
      const ref = { apiVersion: "v1", kind: "ConfigMap", namespace, name };
      const uid = String((await kube.get(ref))?.metadata["uid"]);
      await kube.remove(ref, { uid, propagation: "Background" });
    },
    /** Codes of the refusals told. */
    refusals: () => cache.numberEvents(100).flatMap(({ kind, code }) => (kind === "refused" ? [code] : [])),
    events: () =>
      cache.numberEvents(100).map(({ kind, object }) => (object === undefined ? kind : `${kind} ${object}`)),
  };
}

export function deployment(
  name: string,
  fate: "ready" | "stuck",
  rest: JsonObject = {},
  namespace = "shop",
): KubeObject {
  const labels = { app: name, "skerry.dev/test": fate };
  const spec = { containers: [{ name: "till", image: IMAGE }] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: { metadata: { labels }, spec }, ...rest },
  };
}
