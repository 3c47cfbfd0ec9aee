import { sorted } from "../../shared/canonical.ts";
import { fieldsOf, project } from "../../shared/fields.ts";
import type { Fingerprint, Json, KubeObject } from "../../shared/live.ts";
import { hmacSha256 } from "../../shared/node/sha256.ts";

/** Of an object as the server has it; both are empty where the manager owns nothing. */
export type Fingerprinting = (object: KubeObject, manager: string) => Fingerprint;

/**
 * Under a key of the site's own: fingerprints lie in its database, and a plain hash of a live Secret would tell whoever has a copy of that
 * which of the likely passwords is in it.
 */
export function fingerprinting(key: Uint8Array): Fingerprinting {
  const hash = (value: Json) => hmacSha256(key, Buffer.from(sorted(value))).toString("hex");
  return (object, manager) => {
    const owned = fieldsOf(object, manager);
    if (owned === null) return { fields: "", live: "" };
    return { fields: hash(owned), live: hash(project(object, owned)) };
  };
}
