import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { apiVersionOf, type Kind } from "./kinds.ts";
import { selectorsOf } from "./selectors.ts";
import { badRequest, failure, notImplemented } from "./status.ts";
import { namespaceOf, type Store } from "./store.ts";

interface Position {
  revision: number;
  after: string;
}

/**
 * A list, or a page of one. A real server keeps the state that the first page was of; this one does not, and answers
 * 410 where something changed between two pages, as a real one does once that state is compacted.
 */
export function listPage(
  store: Store,
  kind: Kind,
  namespace: string,
  query: URLSearchParams,
  form: "object" | "metadata",
  show: (object: KubeObject) => JsonObject,
): JsonObject {
  checkVersion(store, query);
  const match = selectorsOf(query);
  const position = positionOf(query.get("continue") ?? "");
  if (position !== null && position.revision !== store.revision) {
    throw failure(410, "Expired", "The provided continue parameter is too old to display a consistent list result.");
  }
  const key = (object: KubeObject): string => `${namespaceOf(object)}/${object.metadata.name}`;
  const all = store.list(kind, namespace).filter(match);
  const left = position === null ? all : all.filter((object) => key(object) > position.after);
  const limit = Number(query.get("limit") ?? 0);
  const page = limit > 0 ? left.slice(0, limit) : left;
  const last = page[page.length - 1];
  const metadata: JsonObject = { resourceVersion: String(store.revision) };
  if (last !== undefined && page.length < left.length) {
    const next: Position = { revision: store.revision, after: key(last) };
    metadata["continue"] = Buffer.from(JSON.stringify(next)).toString("base64url");
    metadata["remainingItemCount"] = left.length - page.length;
  }
  const items: Json[] = page.map(show).map((item) => (isNamed(kind, form) ? item : withoutNames(item)));
  if (form === "metadata") {
    return { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items };
  }
  return { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items };
}

/** Items of built-in kinds do not say what they are; the list does. */
function isNamed(kind: Kind, form: string): boolean {
  return kind.custom || form === "metadata";
}

function withoutNames(item: JsonObject): JsonObject {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = item;
  return rest;
}

function positionOf(token: string): Position | null {
  if (token === "") return null;
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString()) as Position;
  } catch {
    throw badRequest("continue key is not valid");
  }
}

function checkVersion(store: Store, query: URLSearchParams): void {
  const wanted = Number(query.get("resourceVersion") ?? 0);
  if (wanted > store.revision) {
    const words = `Timeout: Too large resource version: ${wanted}, current: ${store.revision}`;
    const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
    throw failure(504, "Timeout", words, { causes, retryAfterSeconds: 1 });
  }
  if (query.get("resourceVersionMatch") === "Exact" && wanted !== store.revision) {
    throw notImplemented("lists of a past state (resourceVersionMatch=Exact)");
  }
}
