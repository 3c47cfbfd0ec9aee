import { AppError } from "../../shared/errors.ts";
import type { JsonObject, KubeObject, ObjectRef } from "../../shared/live.ts";

/**
 * Port `kube`: all that the agent says to a Kubernetes API server, on raw JSON.
 * Held by `test/contract/kube`, which runs on the lab's API server and on a real one.
 * Every call throws `KubeError`; nothing here retries.
 */
export interface Kube {
  /**
   * Server-side apply (PATCH application/apply-patch+yaml). `force` takes conflicting fields. A dry run changes nothing,
   * not even a resourceVersion. `warnings` are the server's `Warning` headers.
   */
  apply(object: KubeObject, options: ApplyOptions): Promise<Applied>;
  /** null where the object, its namespace or its kind is not there. */
  get(ref: ObjectRef): Promise<KubeObject | null>;
  /**
   * Deletes with a UID precondition: another UID is `KubeError` class `conflict`. `"gone"`: no such object any more;
   * `"deleting"`: accepted, a finalizer or grace period still holds it.
   */
  remove(
    ref: ObjectRef,
    options: { uid: string; propagation: "Background" | "Foreground" | "Orphan" },
  ): Promise<"gone" | "deleting">;
  /**
   * Says who owns which fields, by a merge patch under the UID and resourceVersion of `of`: where it is not that any more, `KubeError` class
   * `conflict`. No other field changes, but for annotations that are dropped. Returns the object.
   */
  reown(of: KubeObject, ownership: Ownership): Promise<KubeObject>;
  list(kind: KindRef, options: Selection): Promise<{ objects: KubeObject[]; resourceVersion: string }>;
  /**
   * One watch, from `resourceVersion` or, without it, from a full set of initial events closed by `{type: "synced"}`.
   * Resolves when the server ends the stream cleanly or `signal` aborts; throws `KubeError` class `expired` on a 410, in-band or not.
   */
  watch(kind: KindRef, options: WatchOptions): Promise<void>;
}

export interface KindRef {
  apiVersion: string;
  kind: string;
}

/** `namespace` absent: all namespaces. `labels`: a Kubernetes label selector as text. `name`: one object, which RBAC may grant by name. */
export interface Selection {
  namespace?: string;
  labels?: string;
  name?: string;
}

export interface ApplyOptions {
  manager: string;
  force: boolean;
  dryRun: boolean;
}

export interface Applied {
  object: KubeObject;
  /** There was none before; of a dry run: there is none. */
  created: boolean;
  warnings: string[];
}

/** `managedFields` to replace those of an object, and names of annotations that go. */
export interface Ownership {
  managedFields: JsonObject[];
  drop: string[];
}

export type WatchEvent =
  | { type: "added" | "modified" | "deleted"; object: KubeObject }
  /** The initial events are complete; the state is that of this resourceVersion. */
  | { type: "synced"; resourceVersion: string }
  | { type: "bookmark"; resourceVersion: string };

export interface WatchOptions extends Selection {
  resourceVersion?: string;
  /** The server has accepted the watch. */
  onOpen?(): void;
  onEvent(event: WatchEvent): void;
  signal: AbortSignal;
}

/**
 * What an answer means for the one who asked. From what Kubernetes 1.36 answers, case by case:
 * `manifest` never succeeds unchanged; `wait` succeeds by itself later; `throttled` carries a Retry-After;
 * `no-dry-run`: nothing was judged, as a webhook takes no part in dry runs; `unreachable` never reached the API.
 */
export const KUBE_CLASSES = [
  "manifest",
  "immutable",
  "policy",
  "forbidden",
  "quota",
  "conflict",
  "missing-namespace",
  "missing-kind",
  "terminating",
  "wait",
  "throttled",
  "expired",
  "no-dry-run",
  "unreachable",
  "server",
] as const;
export type KubeClass = (typeof KUBE_CLASSES)[number];

/** `message` is scrubbed: the server's own words can hold secret values and are never carried on. */
export class KubeError extends AppError {
  readonly kubeClass: KubeClass;
  readonly status: number;
  readonly reason: string;
  /** Field paths of the causes, as the server named them. */
  readonly fields: readonly string[];
  /** Seconds to wait, where the server said so. */
  readonly retryAfter: number | undefined;

  constructor(
    kubeClass: KubeClass,
    what: string,
    details: {
      status: number;
      reason: string;
      fields?: readonly string[];
      retryAfter?: number | undefined;
      where?: string;
      cause?: unknown;
    },
  ) {
    super("kube", what, { ...(details.where === undefined ? {} : { where: details.where }), cause: details.cause });
    this.name = "KubeError";
    this.kubeClass = kubeClass;
    this.status = details.status;
    this.reason = details.reason;
    this.fields = details.fields ?? [];
    this.retryAfter = details.retryAfter;
  }
}
