import type { ErrorCode } from "../../shared/errors.ts";
import type { ObjectRef } from "../../shared/live.ts";
import { type KubeClass, KubeError } from "../apply/kube.ts";
import type { Brings } from "./brings.ts";

/** What it means for a state that a dry run of one of its objects was not answered with the object. */
export type Meaning =
  /** It waits for what its own bundle brings, or cannot be asked for without doing it. */
  | { is: "not-checked"; words: string }
  /** A field that cannot change on an existing object. */
  | { is: "immutable"; words: string }
  /** The state is not ready. */
  | { is: "refused"; code: ErrorCode; words: string }
  /** The API server's mood: ask again. */
  | { is: "again"; words: string };

const BY_CLASS: Readonly<Record<KubeClass, Meaning["is"]>> = {
  manifest: "refused",
  immutable: "immutable",
  policy: "refused",
  forbidden: "refused",
  quota: "refused",
  // A dry run is forced: what is left is another writer at the same moment.
  conflict: "again",
  "missing-namespace": "refused",
  "missing-kind": "refused",
  terminating: "again",
  wait: "again",
  throttled: "again",
  expired: "again",
  "no-dry-run": "not-checked",
  unreachable: "again",
  server: "again",
};

export function meaningOf(error: unknown, ref: ObjectRef, brings: Brings): Meaning {
  if (!(error instanceof KubeError)) throw error;
  const { kubeClass, status } = error;
  if (kubeClass === "missing-namespace" && brings.namespaces.has(ref.namespace)) {
    return { is: "not-checked", words: `its namespace ${ref.namespace} comes with this bundle` };
  }
  // Of a definition that changes, the server knows the old schema; a group that is new to it has no paths at all.
  const ofOwnKind = brings.definitions.has(`${ref.apiVersion} ${ref.kind}`);
  if (ofOwnKind && (kubeClass === "missing-kind" || kubeClass === "manifest" || status === 404)) {
    return { is: "not-checked", words: "its definition comes with this bundle" };
  }
  if (kubeClass === "wait" && status === 500 && brings.webhooks.length > 0) {
    return { is: "not-checked", words: "an admission webhook does not answer, and this bundle brings one" };
  }
  const is = BY_CLASS[kubeClass];
  // Scrubbed: the server's own can hold values.
  const words = error.message;
  return is === "refused" ? { is, code: error.code, words } : { is, words };
}
