import { parseCanonical, sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { type FleetHead, fleetHead, HEAD_MAX_BYTES, HEAD_NAMESPACE } from "../head.ts";
import { comparePairs, milliseconds, type Pair } from "../names.ts";
import { parseAs } from "../parse.ts";
import type { SignedBytes } from "../ports.ts";
import { signersOf, type TrustedRoot } from "./root.ts";
import { requireThreshold } from "./threshold.ts";

declare const verified: unique symbol;
export type VerifiedHead = FleetHead & { readonly [verified]: true };

const WHERE = "head.json";
const DAY = 86_400_000;

/**
 * The statement of what is newest. Throws a refusal; `rollback` for a number below the one held, `equivocation` for that number with
 * other content. A head that is held is opened again, with `held` null, under each new root: where that refuses it, it is as if absent.
 */
export function openHead(document: SignedBytes, root: TrustedRoot, held: VerifiedHead | null): VerifiedHead {
  requireThreshold(document, HEAD_NAMESPACE, signersOf(root, "head"), WHERE);
  const head = parseAs(fleetHead, parseCanonical(document.body, WHERE, HEAD_MAX_BYTES), WHERE);
  const { fleet } = root.document;
  if (head.fleet !== fleet) {
    throw new AppError("fleet", `head of fleet ${head.fleet}, not ${fleet}`, { where: `${WHERE} /fleet` });
  }
  if (held !== null && head.number < held.number) {
    throw new AppError("rollback", `head ${head.number} is older than head ${held.number}, which is held`, {
      where: `${WHERE} /number`,
    });
  }
  if (held !== null && head.number === held.number && sorted(head) !== sorted(held)) {
    throw new AppError("equivocation", `a second head ${head.number}, with other content than the one held`, {
      where: `${WHERE} /number`,
      fix: "find out who signed two heads with one number",
    });
  }
  return head as VerifiedHead;
}

/** What a reader has been shown by its sources. */
export interface Shown {
  /** Number of the newest root. */
  root: number;
  /** By bundle that the reader follows, and no others: the highest pair that was well signed, taken or not; null: none. */
  newest: ReadonlyMap<string, Pair | null>;
}

/**
 * May news be kept from this reader? It stops nothing. `now` in ms counts only where the clock is `synced`.
 *
 * A head that names more than was shown: withheld since that head was signed, because by then it was there to be shown. A head older than
 * `freshFor`: withheld since it ceased to be fresh; no head at all is as old as the root. `none`: nothing can be said, because the root
 * has no role `head`, or the clock is not sure, or the head is dated over a day ahead of it.
 */
export function freshness(
  head: VerifiedHead | null,
  root: TrustedRoot,
  now: number,
  synced: boolean,
  shown: Shown,
): "up-to-date" | "none" | { withheldSince: number } {
  const { head: rule, roles, createdAt } = root.document;
  if (roles.head === undefined || rule === undefined) return "none";
  const signedAt = Date.parse(head?.createdAt ?? createdAt);
  if (head !== null && namesMore(head, shown)) return { withheldSince: signedAt };
  if (!synced || signedAt > now + DAY) return "none";
  const staleAt = signedAt + milliseconds(rule.freshFor);
  if (now > staleAt) return { withheldSince: staleAt };
  return head === null ? "none" : "up-to-date";
}

function namesMore(head: FleetHead, { root, newest }: Shown): boolean {
  if (head.root > root) return true;
  return [...newest].some(([bundle, pair]) => {
    const named = head.newest[bundle];
    return named !== undefined && (pair === null || comparePairs(named, pair) > 0);
  });
}
