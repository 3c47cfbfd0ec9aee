import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { followChain } from "../../shared/verify/chain.ts";
import { openHead } from "../../shared/verify/head.ts";
import { acceptRecord } from "../../shared/verify/record.ts";
import { type Refusing, refuse, refusing } from "./refuse.ts";
import { headUnder, type Identity, recordFromDisk, type Trust } from "./trust.ts";

/** Documents of trust, as a source or the hub brought them: the way makes no difference, every check is the same. */

/** What these roots add to the chain, each kept as it is accepted. The first that is refused ends it, and is told. */
export function takeRoots(to: Refusing, identity: Identity, trust: Trust, offered: readonly SignedBytes[]): Trust {
  const { taken, refused } = followChain(trust.roots, offered, identity.rootDigest);
  for (const { root, document } of taken) to.cache.keepRoot(root.document.number, document);
  const newest = taken.at(-1)?.root ?? trust.root;
  if (refused !== null && newest !== null) refuse(to, { bundle: "", id: "root", digest: null, trust }, refused);
  if (newest === trust.root || newest === null) return trust;
  const roots = new Map([...trust.roots, ...taken.map(({ root }) => [root.document.number, root] as const)]);
  const next = { ...trust, roots, root: newest };
  return withRecord(to, identity, { ...next, head: headUnder(newest, to.cache.head()) });
}

/** A root that drops the keys of the record acts at once: nothing new is taken until a record holds. What runs runs on. */
function withRecord(to: Refusing, identity: Identity, trust: Trust): Trust {
  const { root } = trust;
  const stored = to.cache.record();
  if (stored === null || root === null) return trust;
  const without = { ...trust, record: null };
  const id = `record ${sha256Hex(stored.document.body)}`;
  const record = refusing(to, { bundle: "", id, digest: null, trust: without }, () =>
    acceptRecord(stored.document, { ...identity, held: null }, root),
  );
  return { ...without, record };
}

/** The site's own record, where it is another one than is held. */
export function takeRecord(to: Refusing, identity: Identity, trust: Trust, document: SignedBytes): Trust {
  const { root } = trust;
  if (root === null) return trust;
  const stored = to.cache.record();
  // One that does not hold any more is still the one that none may be older than.
  const held = trust.record ?? (stored === null ? null : recordFromDisk(stored, identity.site, trust));
  const id = `record ${sha256Hex(document.body)}`;
  const record = refusing(to, { bundle: "", id, digest: null, trust }, () =>
    acceptRecord(document, { ...identity, held }, root),
  );
  if (record === null) return trust;
  // Also where only its signatures are others: a root to come may drop the keys of those that were there before.
  to.cache.keepRecord({ number: record.number, root: root.document.number, document });
  return record.number === trust.record?.number ? trust : { ...trust, record };
}

/** What the owners say is newest. Without the role in the root nobody may say that, and nobody is heard. */
export function takeHead(to: Refusing, trust: Trust, document: SignedBytes): Trust {
  const { root } = trust;
  if (root === null || root.document.roles.head === undefined) return trust;
  const head = refusing(to, { bundle: "", id: "head", digest: null, trust }, () =>
    openHead(document, root, trust.head),
  );
  if (head === null || head.number === trust.head?.number) return trust;
  to.cache.keepHead(document);
  return { ...trust, head };
}
