import { heldByHand } from "../../shared/by-hand.ts";
import { sorted } from "../../shared/canonical.ts";
import { fieldsOf, project, without } from "../../shared/fields.ts";
import { FIELD_MANAGER, type Fingerprint, type Json, type KubeObject } from "../../shared/live.ts";
import { hmacSha256 } from "../../shared/node/sha256.ts";
import { NOTHING, type Overlooked } from "../../shared/render/overlook.ts";

/** Of an object as the server has it; both are empty where we own nothing of it. */
export type Fingerprinting = (object: KubeObject, overlooked?: Overlooked) => Fingerprint;

/**
 * Under a key of the site's own: fingerprints lie in its database, and a plain hash of a live Secret would tell whoever has a copy of that
 * which of the likely passwords is in it.
 */
export function fingerprinting(key: Uint8Array): Fingerprinting {
  const hmac = hmacSha256(key);
  const hash = (value: Json) => hmac(Buffer.from(sorted(value))).toString("hex");
  return (object, { ignored, empty } = NOTHING) => {
    const ours = fieldsOf(object, FIELD_MANAGER);
    if (ours === null) return { fields: "", live: "" };
    const owned = without(ours, ignored);
    // What hands have is to be ours: while there is any of it, an apply is due.
    const hands = heldByHand(object, ignored).map(({ entry, paths }) => [
      entry.manager,
      paths.map((path) => [...path]),
    ]);
    return {
      fields: hash(hands.length === 0 ? owned : [owned, hands]),
      live: hash(project(object, without(owned, empty))),
    };
  };
}

/** Under the key that a site has for this: derived from the secret of its box, so that the same data folder gives the same fingerprints. */
export function fingerprintingOf(boxSecret: Uint8Array): Fingerprinting {
  return fingerprinting(hmacSha256(boxSecret)(Buffer.from("skerry fingerprints")));
}
