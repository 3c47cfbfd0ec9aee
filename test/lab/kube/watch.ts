import type { ServerResponse } from "node:http";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { apiVersionOf, type Kind, resourceOf } from "./kinds.ts";
import type { Match } from "./selectors.ts";
import { badRequest, failure, statusOf } from "./status.ts";
import { type Change, namespaceOf, type Store } from "./store.ts";

interface Open {
  resource: string;
  end(): void;
  silence(): void;
}

export interface WatchRequest {
  kind: Kind;
  namespace: string;
  match: Match;
  query: URLSearchParams;
  /** The object as this client asked to have it. */
  show: (object: KubeObject) => Json;
}

/** Half an hour, the shorter end of what a real server chooses. */
const LONGEST = 1800;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** All open watches of a server. */
export class Watches {
  private readonly open = new Set<Open>();
  private readonly store: Store;
  private readonly bookmarkMs: number;

  constructor(store: Store, bookmarkMs: number) {
    this.store = store;
    this.bookmarkMs = bookmarkMs;
  }

  get size(): number {
    return this.open.size;
  }

  /** Ends them cleanly; `resource` limits it to one kind's. */
  close(resource?: string): void {
    for (const watch of this.open) if (resource === undefined || watch.resource === resource) watch.end();
  }

  /** From now on they say nothing, and stay open: a connection that a firewall dropped. */
  silence(): void {
    for (const watch of this.open) watch.silence();
  }

  /** Answers with a stream. Throws `Refusal` before it has begun. */
  serve(response: ServerResponse, request: WatchRequest, isSilent: boolean): void {
    const { kind, namespace, match, query, show } = request;
    const plan = planOf(query);
    const resource = resourceOf(kind);
    const missed = plan.from === null ? [] : this.store.since(plan.from);
    let silent = isSilent;
    const send = (type: string, object: Json): void => {
      if (!silent) response.write(`${JSON.stringify({ type, object })}\n`);
    };
    const tell = (change: Change): void => {
      if (change.resource !== resource || (plan.from !== null && change.revision <= plan.from)) return;
      const { object, before } = change;
      const isIn = (one: KubeObject | null): one is KubeObject =>
        one !== null && (namespace === "" || namespaceOf(one) === namespace) && match(one);
      if (isIn(object)) send(isIn(before) ? "MODIFIED" : "ADDED", show(object));
      else if (isIn(before)) send("DELETED", show(withRevision(before, change.revision)));
    };
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
    response.flushHeaders();
    if (missed === null) {
      const words = `too old resource version: ${plan.from} (${this.store.revision})`;
      send("ERROR", statusOf(410, "Expired", words));
      response.end();
      return;
    }
    if (plan.initial) {
      for (const object of this.store.list(kind, namespace)) if (match(object)) send("ADDED", show(object));
      if (plan.marksEnd) send("BOOKMARK", bookmark(kind, this.store.revision, { [INITIAL_EVENTS_END]: "true" }));
    }
    for (const change of missed) tell(change);

    const unsubscribe = this.store.subscribe(tell);
    const beat = plan.bookmarks
      ? setInterval(() => send("BOOKMARK", bookmark(kind, this.store.revision)), this.bookmarkMs)
      : undefined;
    const watch: Open = {
      resource,
      end: () => {
        unsubscribe();
        clearInterval(beat);
        clearTimeout(limit);
        this.open.delete(watch);
        response.end();
      },
      silence: () => {
        silent = true;
      },
    };
    const limit = setTimeout(() => watch.end(), plan.seconds * 1000);
    this.open.add(watch);
    response.on("close", () => watch.end());
  }
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function bookmark(kind: Kind, revision: number, annotations?: JsonObject): JsonObject {
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
}

interface Plan {
  /** The revision after which to tell changes; null: from now. */
  from: number | null;
  initial: boolean;
  marksEnd: boolean;
  bookmarks: boolean;
  seconds: number;
}

/** After apiserver `watch` semantics: without a resourceVersion, or with 0, what exists comes first as ADDED. */
function planOf(query: URLSearchParams): Plan {
  const version = query.get("resourceVersion") ?? "";
  const bookmarks = query.get("allowWatchBookmarks") === "true";
  const seconds = Math.min(Number(query.get("timeoutSeconds") ?? LONGEST) || LONGEST, LONGEST * 48);
  if (!/^\d*$/.test(version)) throw badRequest(`invalid resource version ${JSON.stringify(version)}`);
  const match = query.get("resourceVersionMatch") ?? "";
  if (query.get("sendInitialEvents") === "true") {
    if (match !== "NotOlderThan") {
      const words =
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ' +
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
      throw failure(422, "Invalid", words, { group: "meta.k8s.io", kind: "ListOptions" });
    }
    return { from: null, initial: true, marksEnd: bookmarks, bookmarks, seconds };
  }
  const isAny = version === "" || version === "0";
  return { from: isAny ? null : Number(version), initial: isAny, marksEnd: false, bookmarks, seconds };
}
