import { setTimeout as sleep } from "node:timers/promises";
import type { Kube } from "../../../agent/apply/kube.ts";
import { BundleCycle } from "../../../agent/bundle-cycle.ts";
import { newTally } from "../../../agent/local/tally.ts";
import { Live } from "../../../agent/observe/live.ts";
import type { Bundle } from "../../../shared/bundle.ts";
import type { JsonObject, KubeObject, ObjectRef } from "../../../shared/live.ts";
import { systemClock } from "../../../shared/node/clock.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { type Clock, type Journal, silent } from "../../../shared/ports.ts";
import { DIGEST } from "../../shared/render/sample.ts";
import { memoryCache } from "../../support/cache.ts";
import { keys, NOW, signedBundle, signedRoot, signedSite, trustedRoot } from "../../support/fleet.ts";
import { fingerprint, unsealing } from "../../support/secrets.ts";
import { trustUnder } from "../talk/talking-site.ts";

const GIVE_UP_MS = 40_000;
const LOG = { debug() {}, info() {}, warn() {}, error() {} };

/** A cluster in which others work too: the agent's port to it, and somebody's plain requests. */
export interface Cluster {
  kube: Kube;
  /** One request of somebody else, under this manager. Throws for another answer than 2xx. */
  send(manager: string, method: string, path: string, body?: unknown, type?: string): Promise<JsonObject>;
  namespace: string;
}

/** One bundle at one site of a cluster that others write to. The agent's clock can be moved on; its requests are counted. */
export function driftSite({ kube, namespace }: Cluster, journal: Journal = silent) {
  const root = {
    bundles: [
      {
        pattern: "pos*",
        // Who may write admission rules has to be two.
        keys: ["pos", "pos2"],
        threshold: 2,
        epoch: 1,
        namespaces: [namespace],
        kinds: [
          "*",
          "RoleBinding.rbac.authorization.k8s.io",
          "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        ],
      },
    ],
  };
  const cache = memoryCache({ journal });
  cache.keepRoot(1, signedRoot(root));
  cache.keepRecord({ number: 1, root: 1, document: signedSite() });
  const requests: Record<"apply" | "reown" | "remove" | "get", string[]> = {
    apply: [],
    reown: [],
    remove: [],
    get: [],
  };
  const counting: Kube = {
    apply: (object, options) => {
      requests.apply.push(object.metadata.name);
      const applied = async () => {
        const answer = await kube.apply(object, options);
        await meanwhile();
        return answer;
      };
      return answered(applied());
    },
    reown: (of, ownership) => {
      requests.reown.push(of.metadata.name);
      return answered(kube.reown(of, ownership));
    },
    remove: (ref, options) => {
      requests.remove.push(ref.name);
      return answered(kube.remove(ref, options));
    },
    get: (ref) => {
      requests.get.push(ref.name);
      return kube.get(ref);
    },
    list: (kind, options) => kube.list(kind, options),
    watch: (kind, options) => kube.watch(kind, options),
  };
  let skipped = 0;
  let meanwhile = async () => {};
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + skipped };
  let live: Live;
  let cycle: BundleCycle;
  let item: Parameters<BundleCycle["run"]>[0]["assignment"] = null;

  function restart(): void {
    live?.close();
    const world = { kube: counting, clock, random: () => 0.1, log: LOG, fingerprint };
    live = new Live({ ...world, onChange: () => {} });
    const rest = { site: "s-1", unseal: unsealing, cache, live, journal, tally: newTally() };
    cycle = new BundleCycle("pos", { ...world, ...rest });
  }
  restart();

  const run = () =>
    cycle.run({
      assignment: item,
      adopt: false,
      adoption: null,
      trust: trustUnder(trustedRoot(root)),
      time: { now: NOW, synced: true },
      boot: "0".repeat(16),
      held: null,
      marksKnown: true,
      neighbours: new Map(),
      others: new Map(),
    });
  const state = () => `${cache.holds()[0]?.state} ${cache.holds()[0]?.running.version}`;
  const until = async (what: string, holds: () => boolean | Promise<boolean>) => {
    for (const end = Date.now() + GIVE_UP_MS; ; ) {
      const situation = await run();
      if (await holds()) return;
      if (Date.now() > end) throw new Error(`not ${what}: ${JSON.stringify({ ...situation, hold: undefined })}`);
      await sleep(10);
    }
  };

  return {
    requests,
    cache,
    run,
    state,
    restart,
    until,
    /** Deadlines, backoffs and what is remembered of contests pass at once. */
    skip: (ms: number) => {
      skipped += ms;
    },
    close: () => live.close(),
    /** What happens after each apply of ours, before its answer arrives. */
    beforeAnswers: (act: () => Promise<void>) => {
      meanwhile = act;
    },
    /** What the watch has shown of an object: its resource version. */
    seen: (name: string) => [...live.view().objects.values()].find(({ ref }) => ref.name === name)?.resourceVersion,
    /** A version comes, and is run until it is committed; `ends` names another end. */
    take: async (seq: number, objects: readonly KubeObject[], more: Partial<Bundle> = {}, ends = "committed") => {
      const health = { holdFor: "0", deadline: "60s" };
      const images = [{ ref: "registry.example/till:1", digest: DIGEST }];
      const here = objects.map((object) => placed(object, namespace));
      const made = signedBundle({ seq, health, images, ...more }, here, { pos: keys.pos, pos2: keys.pos2 });
      const version = { bundle: "pos", version: `1.${seq - 1}.0`, digest: made.digest, root: 1, complete: true };
      const pair: [number, number] = [1, seq];
      cache.keepManifest({ ...version, pair, floor: [1, 1], files: [...made.checked.keys()] }, made.document);
      for (const bytes of made.files.values()) cache.keepBlob(sha256Hex(bytes), bytes);
      const rest = { mode: "run" as const, run: "pos-1", wave: "all", values: {}, record: 1 };
      const whole = { bundle: "pos", version: version.version, digest: made.digest, pair, ...rest };
      item = { item: whole, expires: "2999-01-01T00:00:00Z" };
      if (ends !== "") await until(ends, () => state().startsWith(ends) && state().endsWith(version.version));
    },
    /** `drift: words` for each event of the object that was not read yet; of all objects without a name. */
    events: (name?: string) => {
      const all = cache.numberEvents(200);
      cache.acknowledge(
        { report: 0, event: Math.max(0, ...all.map(({ number }) => number)), frame: new Uint8Array([1]) },
        NOW,
      );
      return all
        .filter(({ object }) => name === undefined || object?.endsWith(`/${name}`) === true)
        .map(({ kind, words, code }) => [kind, code, words].filter((part) => part !== undefined).join(": "));
    },
    /** Runs so long that every event of the watch is there, and says what was written meanwhile. */
    writesMeanwhile: async (act: () => Promise<unknown>, turns = 15) => {
      const before = writesOf(requests);
      await act();
      for (let turn = 0; turn < turns; turn += 1) {
        await run();
        await sleep(20);
      }
      return writesOf(requests) - before;
    },
  };
}

/** Also to one who was killed meanwhile, and cannot hear it any more. */
function answered<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {});
  return answer;
}

export type DriftSite = ReturnType<typeof driftSite>;

export function writesOf({ apply, reown, remove }: DriftSite["requests"]): number {
  return apply.length + reown.length + remove.length;
}

export function placed(object: KubeObject, namespace: string): KubeObject {
  if (object.metadata["namespace"] === "") {
    const { namespace: _namespace, ...metadata } = object.metadata;
    return { ...object, metadata };
  }
  return { ...object, metadata: { ...object.metadata, namespace } };
}

const PLURAL: Record<string, string> = {
  ValidatingWebhookConfiguration: "validatingwebhookconfigurations",
  NetworkPolicy: "networkpolicies",
  PriorityClass: "priorityclasses",
  Ingress: "ingresses",
};

export function pathOf({ apiVersion, kind, namespace, name }: ObjectRef): string {
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = PLURAL[kind] ?? `${kind.toLowerCase()}s`;
  return `${base}/${namespace === "" ? "" : `namespaces/${namespace}/`}${plural}/${name}`;
}
