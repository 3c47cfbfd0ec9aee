import { expect } from "vitest";
import { type Kube, KubeError, type WatchEvent } from "../../../agent/apply/kube.ts";
import type { Json, JsonObject, KubeObject, ObjectRef } from "../../../shared/live.ts";

export const CONFIG_MAP = { apiVersion: "v1", kind: "ConfigMap" };
export const DEPLOYMENT = { apiVersion: "apps/v1", kind: "Deployment" };
/** Runs anywhere, and does nothing. */
const PAUSE = "registry.k8s.io/pause:3.10";
export const OURS = { manager: "skerry", force: true, dryRun: false };
export const THEIRS = { manager: "somebody", force: true, dryRun: false };

export function configMap(namespace: string, name: string, data: Record<string, string>, metadata = {}): KubeObject {
  return { ...CONFIG_MAP, metadata: { name, namespace, ...metadata }, data };
}

export function service(namespace: string, name: string, ports: number[], spec: JsonObject = {}): KubeObject {
  const listed = ports.map((port) => ({ name: `p${port}`, port }));
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { ports: listed, ...spec } };
}

export function deployment(
  namespace: string,
  name: string,
  {
    labels = {},
    selector = {},
    container = {},
    replicas = 1,
  }: {
    labels?: Record<string, string>;
    selector?: Record<string, string>;
    container?: JsonObject;
    replicas?: number;
  } = {},
): KubeObject {
  const app = { app: name };
  return {
    ...DEPLOYMENT,
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { ...app, ...selector } },
      template: podTemplate({ ...app, ...labels }, container),
    },
  };
}

export function podTemplate(labels: Record<string, string>, container: JsonObject = {}): JsonObject {
  return { metadata: { labels }, spec: { containers: [{ name: "main", image: PAUSE, ...container }] } };
}

/** The value at a path: `at(object, "spec", "ports", 0)`. */
export function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as { [key: string | number]: Json })[key];
  }
  return found;
}

export function metaOf(object: KubeObject, key: "uid" | "resourceVersion"): string {
  const value = object.metadata[key];
  expect(value).toBeTypeOf("string");
  return String(value);
}

export async function failure(work: Promise<unknown>): Promise<KubeError> {
  const caught = await work.then(
    (value) => new Error(`succeeded: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (caught instanceof KubeError) return caught;
  throw caught;
}

const PATIENCE_MS = 40_000;

/** A CustomResourceDefinition of one version `v1` with `.spec.size`, an integer. */
export function definition(group: string): KubeObject {
  const spec = { type: "object", properties: { size: { type: "integer" } } };
  const openAPIV3Schema = { type: "object", properties: { spec } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: "things", singular: "thing", kind: "Thing" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}

export function thing(group: string, namespace: string, name: string, spec: JsonObject): KubeObject {
  return { apiVersion: `${group}/v1`, kind: "Thing", metadata: { name, namespace }, spec };
}

/** Asks again while the error says that time alone mends it. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const done = await until("it is served", async () => {
    try {
      return { value: await work() };
    } catch (error) {
      if (error instanceof KubeError && ["wait", "missing-kind", "throttled"].includes(error.kubeClass)) return null;
      throw error;
    }
  });
  return done.value;
}

/** Asks again until there is an answer. */
export async function until<T>(what: string, ask: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}

export async function gone(kube: Kube, ref: ObjectRef): Promise<void> {
  await until(`${ref.kind} ${ref.name} is gone`, async () => (await kube.get(ref)) === null);
}

export interface Watched {
  events: WatchEvent[];
  /** The first event, of those that came and come, that fits. */
  first(what: string, fits: (event: WatchEvent) => boolean): Promise<WatchEvent>;
  /** Aborts it and waits for its end, which must come without an error. */
  stop(): Promise<void>;
}

export function watch(
  kube: Kube,
  kind: Parameters<Kube["watch"]>[0],
  options: {
    namespace: string;
    labels?: string;
    resourceVersion?: string;
  },
): Watched {
  const abort = new AbortController();
  const events: WatchEvent[] = [];
  let failed: unknown;
  const ended = kube.watch(kind, { ...options, signal: abort.signal, onEvent: (event) => events.push(event) });
  ended.catch((error: unknown) => {
    failed = error;
  });
  return {
    events,
    first: (what, fits) =>
      until(what, async () => {
        if (failed !== undefined) throw failed;
        return events.find(fits);
      }),
    stop: async () => {
      abort.abort();
      await ended;
    },
  };
}

/** `type name` of each event, `synced` alone. */
export function told(events: readonly WatchEvent[]): string[] {
  return events
    .filter((event) => event.type !== "bookmark")
    .map((event) => ("object" in event ? `${event.type} ${event.object.metadata.name}` : event.type));
}

export function isAbout(type: WatchEvent["type"], name: string): (event: WatchEvent) => boolean {
  return (event) => event.type === type && "object" in event && event.object.metadata.name === name;
}
