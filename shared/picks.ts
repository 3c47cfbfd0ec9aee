import type { ObjectRef } from "./live.ts";

/** Picks objects by their names; a key that is left out matches all. */
export interface Picker {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
}

export function picks({ apiVersion, kind, namespace, name }: Picker, ref: ObjectRef): boolean {
  return (
    (apiVersion === undefined || apiVersion === ref.apiVersion) &&
    (kind === undefined || kind === ref.kind) &&
    (namespace === undefined || namespace === ref.namespace) &&
    (name === undefined || name === ref.name)
  );
}
