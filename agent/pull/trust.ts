import { isRefusal } from "../../shared/errors.ts";
import type { Log, SignedBytes } from "../../shared/ports.ts";
import type { Secrets } from "../../shared/render/sealed.ts";
import type { VerifiedBundle } from "../../shared/verify/bundle.ts";
import { openHead, type VerifiedHead } from "../../shared/verify/head.ts";
import { acceptRecord, openRecord, type VerifiedRecord } from "../../shared/verify/record.ts";
import { nextRoot, pinRoot, type TrustedRoot } from "../../shared/verify/root.ts";
import type { Cache, StoredRecord } from "../cache/cache.ts";

/** Who the site trusts and who it is. null until the first pull that brought it. */
export interface Trust {
  /** The chain from the pinned root on, by number: what lies on disk is read again under the root it was accepted under. */
  roots: ReadonlyMap<number, TrustedRoot>;
  root: TrustedRoot | null;
  record: VerifiedRecord | null;
  /** What the owners last said is newest. */
  head: VerifiedHead | null;
}

export const NO_TRUST: Trust = { roots: new Map(), root: null, record: null, head: null };

export interface Identity {
  site: string;
  /** OpenSSH line of the site's own report key. */
  reportKey: string;
  /** The site's own age recipient. */
  box: string;
  /** SHA-256 of the pinned root document. */
  rootDigest: string;
  unseal: Unseal;
}

/** Opens what is sealed in a bundle, with what this record gives to this site's box. Throws a refusal. */
export type Unseal = (bundle: VerifiedBundle, record: VerifiedRecord) => Secrets;

/** What the cache holds, verified again. A record that no longer holds is as if it were absent; the roots must hold. */
export function trustFromDisk(cache: Cache, identity: Identity, log: Log): Trust {
  const [pinned, ...later] = cache.roots();
  if (pinned === undefined) return NO_TRUST;
  const chain = [pinRoot(pinned, identity.rootDigest)];
  for (const document of later) chain.push(nextRoot(chain.at(-1) as TrustedRoot, document));
  const roots = new Map(chain.map((root) => [root.document.number, root]));
  const root = chain.at(-1) ?? null;
  const trust = { roots, root, record: null, head: root === null ? null : headUnder(root, cache.head()) };
  const held = cache.record();
  if (held === null || root === null) return trust;
  try {
    const record = acceptRecord(held.document, { ...identity, held: null }, root);
    return { ...trust, record };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.warn({ code: error.code, words: error.message }, "the site record on disk does not hold any more");
    return trust;
  }
}

/** A head that is held, under a root; one that does not hold there is as if it were absent. */
export function headUnder(root: TrustedRoot, document: SignedBytes | null): VerifiedHead | null {
  if (document === null || root.document.roles.head === undefined) return null;
  try {
    return openHead(document, root, null);
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

/** A record under the root that it was accepted under: keys that left since do not change what runs. null where not even that holds. */
export function recordFromDisk(
  { document, root }: StoredRecord,
  site: string,
  { roots }: Pick<Trust, "roots">,
): VerifiedRecord | null {
  const acceptedUnder = roots.get(root);
  if (acceptedUnder === undefined) return null;
  try {
    return openRecord(document, site, acceptedUnder);
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}
