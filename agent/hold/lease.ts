import type { KubeObject, ObjectRef } from "../../shared/live.ts";
import { isMap, member, nameOf } from "../../shared/live.ts";
import type { Clock } from "../../shared/ports.ts";
import { AGENT_NAMESPACE } from "../../shared/root.ts";
import type { Selection } from "../apply/kube.ts";
import type { Fingerprinting } from "../observe/fingerprint.ts";
import type { Live } from "../observe/live.ts";
import type { Ask } from "../target/held.ts";
import { oneLine } from "./ask-file.ts";

/** Holds the site while somebody in the cluster has it: what runs there can say "not now" without a shell on the box. */
const LEASE: ObjectRef = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  namespace: AGENT_NAMESPACE,
  name: "skerry-hold",
};
export const HOLD_LEASE: Selection = { namespace: LEASE.namespace, name: LEASE.name };
const REASON = "skerry.dev/reason";

interface Said {
  holder: string;
  reason: string;
  seconds: number | null;
}

/** For a view of that Lease alone: in place of hashes stands what it says, so that no object is kept whole. */
export const leaseSays: Fingerprinting = (object) => ({ fields: "", live: JSON.stringify(saidBy(object)) });

function saidBy(object: KubeObject): Said {
  const spec = member(object, "spec");
  const annotations = isMap(object.metadata["annotations"]) ? object.metadata["annotations"] : {};
  const text = (value: unknown) => (typeof value === "string" ? oneLine(value) : "");
  const { leaseDurationSeconds: seconds, holderIdentity } = spec;
  return {
    holder: text(holderIdentity),
    reason: text(annotations[REASON]),
    seconds: typeof seconds === "number" ? seconds : null,
  };
}

/**
 * What the Lease asks. With a duration it is over when nobody has renewed it for so long, by our own clock from the moment we saw it change:
 * what it says of time itself is another clock's, and may be wrong.
 */
export class LeaseAsk {
  private readonly live: Pick<Live, "follow" | "view">;
  private readonly clock: Clock;
  private seen = { version: "", at: 0 };

  constructor(live: Pick<Live, "follow" | "view">, clock: Clock) {
    this.live = live;
    this.clock = clock;
    live.follow([LEASE]);
  }

  /** null where it asks for nothing; `unseen` where the cluster has not said. */
  ask(): Ask | null | "unseen" {
    const { objects, unseen } = this.live.view();
    if (unseen.size > 0) return "unseen";
    const found = objects.get(nameOf(LEASE));
    if (found === undefined) return null;
    const now = this.clock.monotonic();
    if (found.resourceVersion !== this.seen.version) this.seen = { version: found.resourceVersion, at: now };
    const { holder, reason, seconds } = JSON.parse(found.live) as Said;
    if (holder === "" || (seconds !== null && now - this.seen.at >= seconds * 1000)) return null;
    return { by: "lease", id: found.uid, reason: reason === "" ? holder : reason, forMs: null };
  }
}
