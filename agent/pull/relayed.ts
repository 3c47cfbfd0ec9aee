import { fromRelay, type TrustMessage } from "../../shared/trust.ts";
import type { Refusing } from "./refuse.ts";
import { takeHead, takeRecord, takeRoots } from "./take-trust.ts";
import type { Identity, Trust } from "./trust.ts";

/** What the hub relayed, in the order in which one needs the other. Whoever sent it: each document holds by itself, or is refused and told. */
export function takeRelayed(to: Refusing, identity: Identity, trust: Trust, message: TrustMessage): Trust {
  const { roots, record, head } = message;
  let next = takeRoots(to, identity, trust, roots.map(fromRelay));
  if (record !== undefined) next = takeRecord(to, identity, next, fromRelay(record));
  return head === undefined ? next : takeHead(to, next, fromRelay(head));
}
