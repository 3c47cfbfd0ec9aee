import { type JsonObject, nameOf, type ObjectRef } from "../../shared/live.ts";
import { type KindRef, KubeError } from "./kube.ts";
import { asRecord, readObject } from "./rest-body.ts";
import { type Answer, classify, garbled } from "./rest-errors.ts";

interface Resource {
  /** `/api/v1` or `/apis/apps/v1`. */
  base: string;
  /** The resource's name in paths: `deployments`. */
  plural: string;
  namespaced: boolean;
}

type Resources = ReadonlyMap<string, Resource>;

/** From kinds to paths, by the server's own discovery: read when a group version is first met, again when a kind is missing. */
export class Paths {
  private readonly get: (path: string) => Promise<Answer>;
  private readonly known = new Map<string, Promise<Resources>>();

  constructor(get: (path: string) => Promise<Answer>) {
    this.get = get;
  }

  /** Path of one object. Throws `KubeError` `missing-kind`, or `manifest` for a name that is no path segment. */
  async object(ref: ObjectRef): Promise<string> {
    const where = nameOf(ref);
    const resource = await this.resource(ref, where);
    if (resource.namespaced !== (ref.namespace !== "")) {
      const words = resource.namespaced ? "its kind needs a namespace" : "its kind has no namespace, but one is given";
      throw refused(words, where);
    }
    // An empty name would ask for, or delete, the whole collection.
    return `${collection(resource, ref.namespace, where)}/${segment(ref.name, "name", where)}`;
  }

  /** Path of all objects of a kind, in one namespace or in all. */
  async collection(kind: KindRef, namespace: string | undefined): Promise<string> {
    const where = `${kind.apiVersion} ${kind.kind}`;
    return collection(await this.resource(kind, where), namespace ?? "", where);
  }

  /** Forgets a group version whose paths answered 404. */
  forget(apiVersion: string): void {
    this.known.delete(apiVersion);
  }

  private async resource(kind: KindRef, where: string): Promise<Resource> {
    const cached = await this.known.get(kind.apiVersion);
    const found = cached?.get(kind.kind) ?? (await this.discover(kind.apiVersion, cached)).get(kind.kind);
    if (found !== undefined) return found;
    throw missingKind(where, 200);
  }

  /** Shares one request among those who miss at the same time. `stale` is what the asker found wanting. */
  private async discover(apiVersion: string, stale: Resources | undefined): Promise<Resources> {
    const current = this.known.get(apiVersion);
    if (current !== undefined && (await current) !== stale) return current;
    const renewed = this.known.get(apiVersion);
    if (renewed !== undefined && renewed !== current) return renewed;
    const fresh = this.fetch(apiVersion);
    this.known.set(apiVersion, fresh);
    fresh.catch(() => {
      if (this.known.get(apiVersion) === fresh) this.known.delete(apiVersion);
    });
    return fresh;
  }

  private async fetch(apiVersion: string): Promise<Resources> {
    const parts = apiVersion.split("/").map((part) => segment(part, "group or version", apiVersion));
    if (parts.length > 2) throw refused("its apiVersion is not `version` or `group/version`", apiVersion);
    const base = `/${parts.length === 1 ? "api" : "apis"}/${parts.join("/")}`;
    const answer = await this.get(base);
    if (answer.status === 404) throw missingKind(apiVersion, 404);
    if (answer.status !== 200) throw classify(answer, apiVersion);
    return read(base, readObject(answer.body));
  }
}

function read(base: string, list: JsonObject | undefined): Resources {
  const resources = list?.["resources"];
  if (!Array.isArray(resources)) {
    throw garbled("no list of resources as the answer to discovery", base);
  }
  const found = new Map<string, Resource>();
  for (const each of resources) {
    const resource = asRecord(each);
    const plural = resource?.["name"];
    const kind = resource?.["kind"];
    // A name with a slash is a subresource.
    if (typeof plural !== "string" || typeof kind !== "string" || plural.includes("/") || found.has(kind)) continue;
    found.set(kind, { base, plural, namespaced: resource?.["namespaced"] === true });
  }
  return found;
}

function collection(resource: Resource, namespace: string, where: string): string {
  if (namespace === "" || !resource.namespaced) return `${resource.base}/${resource.plural}`;
  return `${resource.base}/namespaces/${segment(namespace, "namespace", where)}/${resource.plural}`;
}

/** The server's own rule for names in paths: not empty, `.` or `..`, no `/` and no `%`. */
function segment(text: string, what: string, where: string): string {
  if (/^\.{0,2}$|[/%]/.test(text) || !text.isWellFormed()) throw refused(`its ${what} cannot be part of a path`, where);
  return encodeURIComponent(text);
}

function refused(words: string, where: string): KubeError {
  return new KubeError("manifest", words, { status: 0, reason: "", where });
}

function missingKind(where: string, status: number): KubeError {
  return new KubeError("missing-kind", "the API server does not know its kind", { status, reason: "NotFound", where });
}
