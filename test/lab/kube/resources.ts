import { randomBytes } from "node:crypto";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { applyTo, trackUpdate } from "./apply.ts";
import type { Catalog } from "./catalog.ts";
import { conversionFault } from "./conversion.ts";
import { setDefaults } from "./defaults.ts";
import { admitCreation, isFinished } from "./deletion.ts";
import { pathText } from "./field-set.ts";
import { immutable } from "./immutable.ts";
import { apiVersionOf, type Kind, type Target } from "./kinds.ts";
import { type Allocator, newAllocator, prepareCreate, prepareUpdate, timestamp } from "./lifecycle.ts";
import { readManagers, startingManagers, writeManagers } from "./managed-fields.ts";
import { normalise } from "./normalise.ts";
import { isMap } from "./schema.ts";
import {
  alreadyExists,
  badRequest,
  type Cause,
  conflict,
  type FieldFault,
  failure,
  invalid,
  MODIFIED,
  notFound,
} from "./status.ts";
import { namespaceOf, type Store, stringAt, uidOf } from "./store.ts";
import { faultOf } from "./typed-validate.ts";
import { isSame, validate } from "./validation.ts";

/** Who writes, and how. `subresource` "" or "status"; `scale` writes come as a plain update that names it. */
export interface Writing {
  manager: string;
  subresource: string;
  dryRun: boolean;
}

/** All writes: they pass defaults, ownership of fields, rules, and only then the store. Throws `Refusal`. */
export class Resources {
  private readonly allocator: Allocator = newAllocator();
  readonly store: Store;
  readonly catalog: Catalog;
  readonly now: () => Date;

  constructor(store: Store, catalog: Catalog, now: () => Date) {
    this.store = store;
    this.catalog = catalog;
    this.now = now;
  }

  get(target: Target): KubeObject {
    const object = this.store.get(target.kind, target.namespace, target.name);
    if (object === null) throw notFound(target.kind, target.name);
    return object;
  }

  create(kind: Kind, namespace: string, body: JsonObject, writing: Writing): KubeObject {
    const object = this.read(kind, namespace, "", body);
    const { metadata } = object;
    if (metadata.name === "") metadata.name = this.generatedName(kind, object);
    admitCreation(this.store, kind, object);
    if (this.store.get(kind, namespace, metadata.name) !== null) throw alreadyExists(kind, metadata.name);
    if (stringAt(metadata, "resourceVersion") !== "") {
      throw badRequest("resourceVersion should not be set on objects to be created");
    }
    return this.insert(kind, this.tracked(kind, null, this.settled(kind, object), writing), writing);
  }

  /** PUT and all patches but applies: `change` gives the new object from the live one. */
  update(target: Target, writing: Writing, change: (live: KubeObject) => Json): KubeObject {
    const live = this.get(target);
    const next = this.read(target.kind, target.namespace, target.name, change(structuredClone(live)));
    const sent = stringAt(next.metadata, "resourceVersion");
    if (sent !== "" && sent !== stringAt(live.metadata, "resourceVersion")) {
      throw conflict(target.kind, target.name, MODIFIED);
    }
    const uid = uidOf(next);
    if (uid !== "" && uid !== uidOf(live)) {
      const words = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${uidOf(live)}`;
      throw conflict(target.kind, target.name, words);
    }
    return this.replace(
      target,
      live,
      this.tracked(target.kind, live, this.settled(target.kind, next), writing),
      writing,
    );
  }

  /** Server-side apply. `mayCreate` is asked before a new object is made. */
  apply(
    target: Target,
    body: JsonObject,
    writing: Writing & { force: boolean; mayCreate: () => void },
  ): {
    object: KubeObject;
    created: boolean;
  } {
    const { kind, name } = target;
    const live = this.store.get(kind, target.namespace, name);
    this.checkApplied(target, live, body);
    const config = this.read(kind, target.namespace, target.name, body);
    if (live === null) {
      if (writing.subresource !== "") throw notFound(kind, target.name);
      writing.mayCreate();
      admitCreation(this.store, kind, config);
    }
    const applied = applyTo(kind.type, live, config, {
      managers: readManagers(live),
      writer: this.writer(kind, writing, "Apply"),
      force: writing.force,
      reset: resetFields(kind, writing.subresource),
    });
    if ("conflicts" in applied) {
      const causes = applied.conflicts.map(({ manager, path }): Cause => {
        const via = manager.subresource === "" ? "" : ` with subresource "${manager.subresource}"`;
        const using = manager.operation === "Update" ? ` using ${manager.apiVersion}` : "";
        const words = `conflict with "${manager.name}"${via}${using}`;
        return { reason: "FieldManagerConflict", message: words, field: pathText(path) };
      });
      const words = conflictWords(causes);
      throw failure(409, "Conflict", words, { causes: causes as unknown as Json });
    }
    const fault = conversionFault(kind, applied.object);
    if (fault !== null) {
      const words = `to proper version: unable to convert unstructured object to ${gvk(kind)}: ${fault}`;
      throw failure(500, "", `failed to convert new object (${target.namespace}/${name}; ${gvk(kind)}) ${words}`);
    }
    const merged = this.settled(kind, applied.object);
    writeManagers(merged, applied.managers, timestamp(this.now()));
    if (live === null) return { object: this.insert(kind, merged, writing), created: true };
    return { object: this.replace(target, live, merged, writing), created: false };
  }

  /** The entry of a writer whose fields nobody sent over HTTP: the controllers. */
  updateStatus(target: Target, manager: string, status: JsonObject): KubeObject {
    const writing = { manager, subresource: "status", dryRun: false };
    return this.update(target, writing, (live) => ({ ...live, status }));
  }

  private checkApplied(target: Target, live: KubeObject | null, body: JsonObject): void {
    const { kind, name } = target;
    const metadata = isMap(body["metadata"]) ? body["metadata"] : {};
    if (metadata["managedFields"] !== undefined) throw badRequest("metadata.managedFields must be nil");
    const type = kind.type;
    const fault = faultOf(type, body);
    if (fault !== null) {
      throw failure(
        500,
        "",
        `failed to create typed patch object (${target.namespace}/${name}; ${gvk(kind)}): ${fault}`,
      );
    }
    const version = stringAt(metadata, "resourceVersion");
    const uid = stringAt(metadata, "uid");
    if (live === null) {
      if (version !== "") throw conflict(kind, name, MODIFIED);
      const words = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
      if (uid !== "") throw conflict(kind, name, words);
      return;
    }
    if (version !== "" && version !== stringAt(live.metadata, "resourceVersion")) throw conflict(kind, name, MODIFIED);
    if (uid !== "" && uid !== uidOf(live)) {
      throw invalid(kind, name, [{ type: "Invalid", field: "metadata.uid", value: uid, words: "field is immutable" }]);
    }
  }

  /** The body as an object of this kind; a name or kind that the address does not have is 400. */
  private read(kind: Kind, namespace: string, name: string, body: Json): KubeObject {
    if (!isMap(body) || !isMap(body["metadata"] ?? {})) throw badRequest("the body is no object");
    const apiVersion = apiVersionOf(kind);
    if (body["kind"] !== kind.kind || body["apiVersion"] !== apiVersion) {
      const sent = `${String(body["apiVersion"])}, Kind=${String(body["kind"])}`;
      throw badRequest(`the object provided is unrecognized: ${sent} does not match ${apiVersion}, Kind=${kind.kind}`);
    }
    const metadata = structuredClone(isMap(body["metadata"]) ? body["metadata"] : {});
    const sent = stringAt(metadata, "name");
    if (name !== "" && sent !== "" && sent !== name) {
      throw badRequest(`the name of the object (${sent}) does not match the name on the URL (${name})`);
    }
    const space = stringAt(metadata, "namespace");
    if (space !== "" && space !== namespace) {
      const words = "the namespace of the provided object does not match the namespace sent on the request";
      throw badRequest(words);
    }
    const object: KubeObject = {
      ...structuredClone(body),
      apiVersion,
      kind: kind.kind,
      metadata: { ...metadata, name: sent === "" ? name : sent },
    };
    if (kind.namespaced) object.metadata["namespace"] = namespace;
    else delete object.metadata["namespace"];
    return object;
  }

  /** Read into Kubernetes's structs and written again, with its defaults. */
  private settled(kind: Kind, object: KubeObject): KubeObject {
    const type = kind.type;
    const first = normalise(type, object) as KubeObject;
    const fault = faultOf(type, first, "allowed") ?? conversionFault(kind, first);
    if (fault !== null) {
      throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${fault}`);
    }
    setDefaults(kind, first);
    return normalise(type, first) as KubeObject;
  }

  private tracked(kind: Kind, live: KubeObject | null, next: KubeObject, writing: Writing): KubeObject {
    const endpoint = writing.subresource;
    const managers = trackUpdate(kind.type, live, next, {
      managers: startingManagers(live, next, endpoint),
      writer: this.writer(kind, writing, "Update"),
      reset: resetFields(kind, endpoint),
    });
    writeManagers(next, managers, timestamp(this.now()));
    return next;
  }

  private writer(kind: Kind, writing: Writing, operation: "Apply" | "Update") {
    const { manager, subresource } = writing;
    return { name: manager, operation, apiVersion: apiVersionOf(kind), subresource } as const;
  }

  private insert(kind: Kind, object: KubeObject, writing: Writing): KubeObject {
    prepareCreate(kind, object, timestamp(this.now()), this.allocator);
    refuseFaults(kind, object, validate(kind, object));
    return writing.dryRun ? object : this.store.put(kind, object);
  }

  private replace(target: Target, live: KubeObject, next: KubeObject, writing: Writing): KubeObject {
    const { kind } = target;
    const endpoint = writing.subresource === "status" ? "status" : "";
    const object = prepareUpdate(kind, live, next, endpoint, this.allocator);
    if (endpoint === "") {
      refuseFaults(kind, object, [...validate(kind, object), ...immutable(kind, live, object)]);
    }
    if (isSame(live, object)) return live;
    if (writing.dryRun) return object;
    if (isFinished(object)) return this.store.delete(kind, object);
    return this.store.put(kind, object);
  }

  private generatedName(kind: Kind, object: KubeObject): string {
    const prefix = stringAt(object.metadata, "generateName");
    if (prefix === "") {
      const words = "name or generateName is required";
      throw invalid(kind, "", [{ type: "Required", field: "metadata.name", words }]);
    }
    for (;;) {
      const name = `${prefix}${randomBytes(3).toString("hex").slice(0, 5)}`;
      if (this.store.get(kind, namespaceOf(object), name) === null) return name;
    }
  }
}

/** As Go prints it: `apps/v1, Kind=Deployment`, `/v1, Kind=ConfigMap`. */
function gvk(kind: Kind): string {
  return `${kind.group}/${kind.version}, Kind=${kind.kind}`;
}

function refuseFaults(kind: Kind, object: KubeObject, faults: FieldFault[]): void {
  if (faults.length > 0) throw invalid(kind, object.metadata.name, faults);
}

function conflictWords(causes: Cause[]): string {
  const [first] = causes;
  if (causes.length === 1) return `Apply failed with 1 conflict: ${first?.message}: ${first?.field}`;
  const lines: string[] = [];
  for (const message of new Set(causes.map((cause) => cause.message))) {
    lines.push(`${message.replace("conflict with", "conflicts with")}:`);
    for (const cause of causes) if (cause.message === message) lines.push(`- ${cause.field}`);
  }
  return `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`;
}

/** The top fields that an endpoint leaves alone, and so gives nobody. After the `GetResetFields` of each strategy. */
function resetFields(kind: Kind, subresource: string): string[] {
  if (subresource === "status") return ["spec", "metadata"];
  return kind.status ? ["status"] : [];
}
