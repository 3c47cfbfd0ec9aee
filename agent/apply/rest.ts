import {
  FIELD_MANAGER,
  type Json,
  type JsonObject,
  type KubeObject,
  nameOf,
  type ObjectRef,
  refOf,
} from "../../shared/live.ts";
import type { Applied, ApplyOptions, KindRef, Kube, Ownership, Selection, WatchOptions } from "./kube.ts";
import { KubeError } from "./kube.ts";
import { applyBody, asKubeObject, asRecord, readObject } from "./rest-body.ts";
import { type Answer, classify, garbled } from "./rest-errors.ts";
import { Paths } from "./rest-paths.ts";
import type { Ask, Transport } from "./rest-transport.ts";
import { Lines, readEvent } from "./rest-watch.ts";

/** A page of a list. Bounds what one answer costs here and on the server; a page more costs a millisecond. */
const PAGE = 500;
/** The store holds 1.5 MiB an object; JSON may escape each byte to six. */
const EVENT_BYTES = 16 * 1024 * 1024;
/** The server ends a watch after this, cleanly; without it after 30 to 60 minutes. */
const WATCH_SECONDS = 6 * 3600;

/** Adapter of port `kube` on a Kubernetes API server's REST interface. */
export class RestKube implements Kube {
  private readonly transport: Transport;
  private readonly paths: Paths;

  constructor(transport: Transport) {
    this.transport = transport;
    this.paths = new Paths((path) => transport.send({ method: "GET", path }));
  }

  async apply(object: KubeObject, options: ApplyOptions): Promise<Applied> {
    const ref = refOf(object);
    const body = applyBody(object);
    const query = new URLSearchParams({ fieldManager: options.manager, force: String(options.force) });
    if (options.dryRun) query.set("dryRun", "All");
    const path = `${await this.paths.object(ref)}?${query}`;
    const answer = await this.ask({ method: "PATCH", path, contentType: "application/apply-patch+yaml", body }, ref);
    const applied = asKubeObject(readObject(answer.body));
    if (applied === undefined) throw garbled("no object as the answer to an apply", nameOf(ref));
    return { object: applied, created: answer.status === 201, warnings: answer.warnings };
  }

  async get(ref: ObjectRef): Promise<KubeObject | null> {
    const answer = await this.find({ method: "GET" }, ref);
    if (answer === null) return null;
    const object = asKubeObject(readObject(answer.body));
    if (object === undefined) throw garbled("no object as the answer to a get", nameOf(ref));
    return object;
  }

  async remove(
    ref: ObjectRef,
    options: { uid: string; propagation: "Background" | "Foreground" | "Orphan" },
  ): Promise<"gone" | "deleting"> {
    // Options go in the body alone: with a body, the server does not look at those in the query.
    const body = JSON.stringify({
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: options.propagation,
      preconditions: { uid: options.uid },
    });
    const answer = await this.find({ method: "DELETE", contentType: "application/json", body }, ref);
    if (answer === null) return "gone";
    const left = readObject(answer.body);
    if (left === undefined) throw garbled("no object as the answer to a delete", nameOf(ref));
    return isHeld(left) ? "deleting" : "gone";
  }

  async reown(of: KubeObject, { managedFields, drop }: Ownership): Promise<KubeObject> {
    const ref = refOf(of);
    const { uid, resourceVersion } = of.metadata;
    const annotations = Object.fromEntries(drop.map((name) => [name, null]));
    const metadata = { uid, resourceVersion, managedFields, ...(drop.length > 0 && { annotations }) };
    const path = `${await this.paths.object(ref)}?${new URLSearchParams({ fieldManager: FIELD_MANAGER })}`;
    const body = JSON.stringify({ metadata });
    const answer = await this.ask({ method: "PATCH", path, contentType: "application/merge-patch+json", body }, ref);
    const owned = asKubeObject(readObject(answer.body));
    if (owned === undefined) throw garbled("no object as the answer to a patch", nameOf(ref));
    return owned;
  }

  async list(kind: KindRef, options: Selection): Promise<{ objects: KubeObject[]; resourceVersion: string }> {
    const path = await this.paths.collection(kind, options.namespace);
    const query = selection(options);
    query.set("limit", String(PAGE));
    const objects: KubeObject[] = [];
    for (;;) {
      const answer = await this.ask({ method: "GET", path: `${path}?${query}` }, kind);
      const page = readObject(answer.body);
      const metadata = asRecord(page?.["metadata"]);
      const resourceVersion = metadata?.["resourceVersion"];
      if (typeof resourceVersion !== "string") throw garbled("no list as the answer to a list", about(kind));
      objects.push(...items(page?.["items"], kind));
      const next = metadata?.["continue"];
      if (typeof next !== "string" || next === "") return { objects, resourceVersion };
      query.set("continue", next);
    }
  }

  async watch(kind: KindRef, options: WatchOptions): Promise<void> {
    const query = selection(options);
    query.set("watch", "true");
    query.set("allowWatchBookmarks", "true");
    query.set("timeoutSeconds", String(WATCH_SECONDS));
    if (options.resourceVersion === undefined) {
      query.set("sendInitialEvents", "true");
      query.set("resourceVersionMatch", "NotOlderThan");
    } else {
      query.set("resourceVersion", options.resourceVersion);
    }
    const path = `${await this.paths.collection(kind, options.namespace)}?${query}`;
    const where = about(kind);
    const lines = new Lines(EVENT_BYTES);
    const answer = await this.transport.stream(path, options.signal, {
      open: () => options.onOpen?.(),
      chunk: (chunk) => {
        for (const line of lines.take(chunk)) {
          if (options.signal.aborted) return;
          const event = readEvent(line, where);
          if (event !== undefined) options.onEvent(event);
        }
      },
    });
    if (answer !== null) throw this.refused(answer, kind);
    if (lines.torn && !options.signal.aborted) throw garbled("half an event and then an end", where);
  }

  /** An answer of 2xx, or the error that the other answers mean. */
  private async ask(ask: Ask, about: KindRef | ObjectRef): Promise<Answer & { warnings: string[] }> {
    const answer = await this.transport.send(ask);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw this.refused(answer, about);
  }

  /**
   * As `ask`, with null where the object, its namespace or its kind is not there. Only the API's own words count: a
   * plain-text 404 may come from a server that does not serve the kind yet, or from a proxy, and is thrown.
   */
  private async find(ask: Omit<Ask, "path">, ref: ObjectRef): Promise<Answer | null> {
    try {
      return await this.ask({ ...ask, path: await this.paths.object(ref) }, ref);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.kubeClass === "missing-kind" || (error.status === 404 && error.reason === "NotFound")) return null;
      throw error;
    }
  }

  private refused(answer: Answer, asked: KindRef | ObjectRef): KubeError {
    const error = classify(answer, about(asked));
    // The kind's definition may have come or gone since it was discovered; one object that is not there says nothing of that.
    const isOfKind = error.kubeClass === "missing-kind" || error.reason !== "NotFound";
    if (answer.status === 404 && isOfKind) this.paths.forget(asked.apiVersion);
    return error;
  }
}

function about(asked: KindRef | ObjectRef): string {
  return "name" in asked ? nameOf(asked) : `${asked.apiVersion} ${asked.kind}`;
}

function selection(options: Selection): URLSearchParams {
  const { labels, name } = options;
  return new URLSearchParams({
    ...(labels !== undefined && { labelSelector: labels }),
    ...(name !== undefined && { fieldSelector: `metadata.name=${name}` }),
  });
}

function items(list: Json | undefined, kind: KindRef): KubeObject[] {
  return (Array.isArray(list) ? list : []).map((item) => {
    const object = asKubeObject(item, kind);
    if (object === undefined) throw garbled("a list item that has no name", about(kind));
    return object;
  });
}

/** A delete answers a `Status`, or the object: as it was, or still there because of a finalizer or a grace period. */
function isHeld(left: JsonObject): boolean {
  const metadata = asRecord(left["metadata"]);
  if (left["kind"] === "Status" || metadata?.["deletionTimestamp"] === undefined) return false;
  const finalizers = metadata["finalizers"];
  const waits = Array.isArray(finalizers) && finalizers.length > 0;
  const spec = asRecord(left["spec"])?.["finalizers"];
  return waits || (Array.isArray(spec) && spec.length > 0) || metadata["deletionGracePeriodSeconds"] !== 0;
}
