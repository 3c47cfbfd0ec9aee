import { sorted } from "../../shared/canonical.ts";
import { encodeFrame } from "../../shared/node/frame.ts";
import type { PrivateKey } from "../../shared/node/ssh-key.ts";
import { FRAME_NAMESPACE, type TopicKind, topicOf } from "../../shared/protocol.ts";
import type { ChangedSet } from "../assign/assign.ts";
import type { SiteAssignment } from "../registry/store.ts";

/** Signs what the hub says. */
export interface Signer {
  fleet: string;
  /** Of the root's role `assign`. */
  key: PrivateKey;
}

export interface Framed {
  topic: string;
  frame: Uint8Array;
}

/** Sets as they are stored before they are published. */
export function frameSets(signer: Signer, sets: readonly ChangedSet[]): SiteAssignment[] {
  return sets.map(({ site, set, assigned }) => {
    const { frame } = frameFor(signer, site, "down/assign", set);
    return { site, set, assigned, frame, published: false };
  });
}

export function frameFor({ fleet, key }: Signer, site: string, kind: TopicKind, body: object): Framed {
  const topic = topicOf(fleet, site, kind);
  const namespace = FRAME_NAMESPACE[kind];
  return { topic, frame: encodeFrame({ topic, namespace, json: sorted(body), format: "deflate", key }) };
}
