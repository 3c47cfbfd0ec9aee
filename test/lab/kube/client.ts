import type { JsonObject } from "../../../shared/live.ts";
import { type LabCluster, type LabOptions, startLabCluster } from "./cluster.ts";

export interface Answered {
  code: number;
  type: string;
  headers: Headers;
  body: JsonObject;
  text: string;
}

export interface WatchLine {
  type: string;
  object: JsonObject;
}

/** A plain HTTP client for the tests of the server itself: what is sent and what comes back, unread. */
export class Client {
  readonly cluster: LabCluster;
  private readonly token: string;

  constructor(cluster: LabCluster, token = cluster.token) {
    this.cluster = cluster;
    this.token = token;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const response = await fetch(`${this.cluster.server}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    const parsed = type.startsWith("application/json") ? (JSON.parse(text) as JsonObject) : {};
    return { code: response.status, type, headers: response.headers, body: parsed, text };
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answered> {
    return this.send("GET", path, undefined, headers);
  }

  patch(path: string, type: string, body: unknown, query = ""): Promise<Answered> {
    return this.send("PATCH", `${path}${query}`, body, { "content-type": `application/${type}` });
  }

  apply(path: string, body: unknown, manager = "ours", query = "force=true"): Promise<Answered> {
    return this.patch(path, "apply-patch+yaml", body, `?fieldManager=${manager}&${query}`);
  }

  /** Events until `enough` says so or the server ends the stream. Fails after ten seconds. */
  async watch(
    path: string,
    enough: (events: WatchLine[]) => boolean,
  ): Promise<{ events: WatchLine[]; ended: boolean }> {
    const signal = AbortSignal.timeout(10_000);
    const headers = { authorization: `Bearer ${this.token}` };
    const response = await fetch(`${this.cluster.server}${path}`, { headers, signal });
    const events: WatchLine[] = [];
    let rest = "";
    for await (const chunk of response.body ?? []) {
      const lines = (rest + Buffer.from(chunk).toString()).split("\n");
      rest = lines.pop() ?? "";
      events.push(...lines.map((line) => JSON.parse(line) as WatchLine));
      if (enough(events)) return { events, ended: false };
    }
    return { events, ended: true };
  }
}

export async function startClient(options: LabOptions = {}): Promise<Client> {
  return new Client(await startLabCluster({ podDelayMs: 5, establishMs: 5, ...options }));
}

/** The value at a path of keys: `at(body, "spec", "ports", 0)`. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const key of path) found = (found as Record<string | number, unknown> | null | undefined)?.[key];
  return found;
}

/** Asks again until the answer is not null. Fails after ten seconds. */
export async function until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = await ask();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
export const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

export function configMap(name: string, data: Record<string, string>, metadata = {}): JsonObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

export function workload(
  kind: string,
  name: string,
  spec: JsonObject = {},
  labels: Record<string, string> = {},
): JsonObject {
  const app = { app: name };
  const containers = [{ name: "main", image: "registry.example/main:1" }];
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name },
    spec: {
      selector: { matchLabels: app },
      template: { metadata: { labels: { ...app, ...labels } }, spec: { containers } },
      ...spec,
    },
  };
}
