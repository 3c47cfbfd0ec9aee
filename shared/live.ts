/** Kubernetes objects as plain data. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** What names an object in a cluster. `namespace` is empty for cluster-scoped objects. */
export interface ObjectRef {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

/** A raw object. Only the names are certain; everything else is read with care. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: JsonObject & { name: string };
  [key: string]: Json;
}

export function refOf(object: KubeObject): ObjectRef {
  const namespace = object.metadata["namespace"];
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: typeof namespace === "string" ? namespace : "",
    name: object.metadata.name,
  };
}

/** One line that names an object, and the key of maps by object: `apps/v1 Deployment shop/till`. */
export function nameOf(ref: ObjectRef): string {
  return `${ref.apiVersion} ${ref.kind} ${ref.namespace === "" ? "" : `${ref.namespace}/`}${ref.name}`;
}
