import type { IncomingMessage, ServerResponse } from "node:http";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import type { Catalog } from "./catalog.ts";
import { mapAt } from "./defaults-pod.ts";
import { deleteOptions, remove } from "./deletion.ts";
import { apiVersionOf, type Kind, resourceOf, type Target } from "./kinds.ts";
import { listPage } from "./listing.ts";
import { jsonPatch, mergePatch, strategicMerge } from "./patch.ts";
import { authorize, type Forbid } from "./rbac.ts";
import { addressOf, formOf, managerOf, readBody, readJson, readYaml, shown } from "./request.ts";
import type { Resources, Writing } from "./resources.ts";
import { getScale, scaleChange } from "./scale.ts";
import { isMap } from "./schema.ts";
import { selectorsOf } from "./selectors.ts";
import { badRequest, failure, notFound, notImplemented, pageNotFound, unknownResource } from "./status.ts";
import { stringAt, uidOf } from "./store.ts";
import { faultOf } from "./typed-validate.ts";
import type { Watches } from "./watch.ts";

export interface Api {
  resources: Resources;
  catalog: Catalog;
  watches: Watches;
  forbid: readonly Forbid[];
  /** Are new watches to stay silent? */
  isSilent: () => boolean;
  /** Counts what was served. */
  served: (verb: string) => void;
}

/** One request for resources, as far as it is understood before its body is read. */
interface Asked {
  request: IncomingMessage;
  response: ServerResponse;
  user: string;
  query: URLSearchParams;
  target: Target;
  subresource: string;
  form: "object" | "metadata";
  /** Asks RBAC. */
  may: (verb: string) => void;
}

export interface Answer {
  code: number;
  body: Json;
}

const METHODS: Record<string, string> = { GET: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** Serves a path of resources. null where the answer is a stream that has begun. Throws `Refusal`. */
export async function serveResources(
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  user: string,
): Promise<Answer | null> {
  const address = addressOf(url.pathname);
  if (address === null) throw pageNotFound();
  const { group, version, namespace, plural, name, subresource } = address;
  if (plural === "watch") throw notImplemented("watches by /watch/ paths; use ?watch=true");
  const kind = api.catalog.find(group, version, plural);
  if (kind === null) {
    const isKnown = api.catalog.isBuiltInGroup(group) && api.catalog.hasVersion(group, version);
    throw isKnown ? unknownResource() : pageNotFound();
  }
  if (namespace !== "" && !kind.namespaced) throw unknownResource();
  if (namespace === "" && kind.namespaced && name !== "") throw unknownResource();
  const form = formOf(request.headers.accept ?? "");
  if (form === null) {
    const words = "only the following media types are accepted: application/json";
    throw failure(406, "NotAcceptable", words, {});
  }
  const isWatch = url.searchParams.get("watch") === "true" || url.searchParams.get("watch") === "1";
  const method = METHODS[request.method ?? ""] ?? "unknown";
  const verb = method === "get" && name === "" ? (isWatch ? "watch" : "list") : method;
  api.served(verb);
  const scope = plural === "namespaces" && group === "" ? name : namespace;
  const may = (wanted: string): void =>
    authorize(api.forbid, { user, verb: wanted, kind, namespace: scope, name, subresource });
  may(verb);
  const target = { kind, namespace, name };
  const asked: Asked = { request, response, user, query: url.searchParams, target, subresource, form, may };
  if (subresource !== "" && !(subresource === "status" && kind.status) && !(subresource === "scale" && kind.scale)) {
    throw notImplemented(`the subresource ${resourceOf(kind)}/${subresource}`);
  }
  const answered = await VERBS[verb]?.(api, asked);
  // A method that a path does not have is answered like a path that is not there.
  if (answered === undefined || (answered === null && verb !== "watch")) throw unknownResource();
  return answered;
}

const VERBS: Record<string, (api: Api, asked: Asked) => Promise<Answer | null>> = {
  get: async (api, asked) => {
    const object = api.resources.get(asked.target);
    if (asked.subresource === "scale") return { code: 200, body: getScale(object) };
    return answer(asked, 200, object);
  },
  list: async (api, asked) => {
    const { kind, namespace } = asked.target;
    const show = (object: KubeObject): JsonObject => shown(kind, object, asked.form);
    return { code: 200, body: listPage(api.resources.store, kind, namespace, asked.query, asked.form, show) };
  },
  watch: async (api, asked) => {
    const { kind, namespace } = asked.target;
    const show = (object: KubeObject): Json => shown(kind, object, asked.form);
    const match = selectorsOf(asked.query);
    api.watches.serve(asked.response, { kind, namespace, match, query: asked.query, show }, api.isSilent());
    return null;
  },
  create: async (api, asked) => {
    if (asked.target.name !== "") {
      return asked.subresource === "" ? null : Promise.reject(notImplemented(`create on ${asked.subresource}`));
    }
    const { kind, namespace } = asked.target;
    if (kind.namespaced && namespace === "") throw unknownResource();
    const body = await objectOf(asked);
    strict(asked, body);
    return answer(asked, 201, api.resources.create(kind, namespace, body, writingOf(asked)));
  },
  update: async (api, asked) => {
    if (asked.target.name === "") return null;
    const body = await objectOf(asked);
    if (asked.subresource === "scale") {
      const changed = api.resources.update(asked.target, writingOf(asked), (live) => scaleChange(live, body));
      return { code: 200, body: getScale(changed) };
    }
    strict(asked, body);
    return answer(
      asked,
      200,
      api.resources.update(asked.target, writingOf(asked), () => body),
    );
  },
  patch: async (api, asked) => {
    if (asked.target.name === "") return null;
    const [type = ""] = (asked.request.headers["content-type"] ?? "").split(";");
    const text = await readBody(asked.request);
    if (type === "application/apply-patch+yaml") return applied(api, asked, readYaml(text));
    const change = PATCHES[type];
    if (change === undefined) throw unsupported(type);
    const patch = readJson(text);
    const kind = asked.target.kind;
    if (asked.subresource === "scale") {
      const changed = api.resources.update(asked.target, writingOf(asked), (live) =>
        scaleChange(live, change(kind, getScale(live), patch)),
      );
      return { code: 200, body: getScale(changed) };
    }
    const changed = api.resources.update(asked.target, writingOf(asked), (live) => {
      const next = change(kind, live, patch);
      if (isMap(next)) strict(asked, next);
      return next;
    });
    return answer(asked, 200, changed);
  },
  delete: async (api, asked) => {
    if (asked.target.name === "") throw notImplemented("the deletion of a whole collection");
    if (asked.subresource !== "") return null;
    const text = await readBody(asked.request);
    const body = text === "" ? null : readJson(text);
    const options = deleteOptions(isMap(body ?? undefined) ? (body as JsonObject) : null, asked.query);
    const { kind, name } = asked.target;
    const { gone, object } = remove(api.resources.store, asked.target, options, api.resources.now());
    if (!gone) return answer(asked, 200, object);
    const group = kind.group === "" ? {} : { group: kind.group };
    const details = { name, ...group, kind: kind.plural, uid: uidOf(object) };
    return { code: 200, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details } };
  },
};

const PATCHES: Record<string, (kind: Kind, live: Json, patch: Json) => Json> = {
  "application/merge-patch+json": (_kind, live, patch) => mergePatch(live, patch),
  "application/json-patch+json": (_kind, live, patch) => jsonPatch(live, patch),
  "application/strategic-merge-patch+json": (kind, live, patch) => {
    if (kind.custom) throw unsupported("application/strategic-merge-patch+json");
    return strategicMerge(kind.type, live, patch);
  },
};

function unsupported(type: string): Error {
  const words = `the body of the request was in an unknown format - accepted media types include: ${[
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
  ].join(", ")}; it was ${JSON.stringify(type)}`;
  return failure(415, "UnsupportedMediaType", words, {});
}

function answer(asked: Asked, code: number, object: KubeObject): Answer {
  return { code, body: shown(asked.target.kind, object, asked.form) };
}

function writingOf(asked: Asked): Writing {
  const { query, request, subresource } = asked;
  return { manager: managerOf(query, request), subresource, dryRun: isDryRun(query) };
}

function isDryRun(query: URLSearchParams): boolean {
  const values = query.getAll("dryRun");
  if (values.some((value) => value !== "All" && value !== "")) throw badRequest("dryRun: only All is supported");
  return values.includes("All");
}

async function objectOf(asked: Asked): Promise<JsonObject> {
  const [type = ""] = (asked.request.headers["content-type"] ?? "").split(";");
  const text = await readBody(asked.request);
  if (type === "application/yaml") return readYaml(text);
  if (type !== "application/json" && type !== "") throw unsupported(type);
  const body = readJson(text);
  if (!isMap(body)) throw badRequest("the body is no object");
  return body;
}

/** `fieldValidation=Strict`, as kubectl asks for: unknown fields of plain writes are refused; else they are dropped. */
function strict(asked: Asked, body: JsonObject): void {
  const { kind } = asked.target;
  if (asked.query.get("fieldValidation") !== "Strict") return;
  const fault = faultOf(kind.type, body, "allowed");
  const field = /^\.(.*): field not declared in schema$/m.exec(fault ?? "")?.[1];
  if (field === undefined) return;
  const what = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`;
  throw badRequest(`${what}: strict decoding error: unknown field "${field}"`);
}

/** `v1` as Go prints a group and version: `/v1`. */
function groupVersion(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
}

function applied(api: Api, asked: Asked, body: JsonObject): Answer {
  const { query, target } = asked;
  const { kind, name } = target;
  const manager = query.get("fieldManager") ?? "";
  if (manager === "") {
    const words = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch';
    const causes = [{ reason: "FieldValueRequired", message: "Required value: is required for apply patch" }];
    throw failure(422, "Invalid", words, { group: "meta.k8s.io", kind: "PatchOptions", causes });
  }
  if (asked.subresource === "scale") throw notImplemented("server-side apply of scale");
  const sent = mapAt(body, "metadata") ?? {};
  if (body["kind"] !== kind.kind || body["apiVersion"] !== apiVersionOf(kind)) {
    throw badRequest(
      `invalid object type: ${groupVersion(stringAt(body, "apiVersion"))}, Kind=${stringAt(body, "kind")}`,
    );
  }
  if (stringAt(sent, "name") !== "" && stringAt(sent, "name") !== name) {
    throw badRequest(`the name of the object (${stringAt(sent, "name")}) does not match the name on the URL (${name})`);
  }
  const writing = { manager, subresource: asked.subresource, dryRun: isDryRun(query) };
  const { object, created } = api.resources.apply(target, body, {
    ...writing,
    force: query.get("force") === "true",
    mayCreate: () => {
      if (kind.namespaced && target.namespace === "") throw notFound(kind, name);
      asked.may("create");
    },
  });
  return answer(asked, created ? 201 : 200, object);
}
