import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { Source } from "../../shared/source/source.ts";
import { acceptRecord } from "../../shared/verify/record.ts";
import { nextRoot, pinRoot, type TrustedRoot } from "../../shared/verify/root.ts";
import { type Refusing, refusing } from "./refuse.ts";
import { type Identity, recordFromDisk, type Trust } from "./trust.ts";

/** The chain as far as the source leads, each root kept as it is accepted. Throws `not-found` where the pinned one is not there. */
export async function pullRoots(
  to: Refusing,
  source: Source,
  identity: Identity,
  trust: Trust,
  head: string,
): Promise<Trust> {
  const roots = new Map(trust.roots);
  let root = trust.root;
  for (const document of await source.roots(head, root?.document.number ?? 0)) {
    // Roots before the pinned one are history.
    if (root === null && sha256Hex(document.body) !== identity.rootDigest) continue;
    const next = refusing(to, { bundle: "", id: "root", digest: null, trust }, () =>
      root === null ? pinRoot(document, identity.rootDigest) : nextRoot(root as TrustedRoot, document),
    );
    if (next === null) break;
    to.cache.keepRoot(next.document.number, document);
    roots.set(next.document.number, next);
    root = next;
  }
  if (root === null) {
    throw new AppError("not-found", "the source has no root with the pinned digest", {
      where: `${source.address} trust`,
      fix: "compare `root.digest` of the configuration with `skerry root show`",
    });
  }
  const next = { ...trust, roots, root };
  return root === trust.root ? next : withRecord(to, identity, next);
}

/** A root that drops the keys of the record acts at once: nothing new is taken until a record holds. What runs runs on. */
function withRecord(to: Refusing, { site, reportKey }: Identity, trust: Trust): Trust {
  const { root } = trust;
  const stored = to.cache.record();
  if (stored === null || root === null) return trust;
  const without = { ...trust, record: null };
  const id = `record ${sha256Hex(stored.document.body)}`;
  const record = refusing(to, { bundle: "", id, digest: null, trust: without }, () =>
    acceptRecord(stored.document, { site, reportKey, held: null }, root),
  );
  return { ...without, record };
}

/** The site's own record, where the source has another one than is held. */
export async function pullRecord(
  to: Refusing,
  source: Source,
  identity: Identity,
  trust: Trust,
  head: string,
): Promise<Trust> {
  const { root } = trust;
  if (root === null) return trust;
  const stored = to.cache.record();
  // One that does not hold any more is still the one that none may be older than.
  const held = trust.record ?? (stored === null ? null : recordFromDisk(stored, identity.site, trust));
  const document = await source.record(head, identity.site);
  if (document === null) return trust;
  const id = `record ${sha256Hex(document.body)}`;
  const record = refusing(to, { bundle: "", id, digest: null, trust }, () =>
    acceptRecord(document, { site: identity.site, reportKey: identity.reportKey, held }, root),
  );
  if (record === null || record.number === trust.record?.number) return trust;
  to.cache.keepRecord({ number: record.number, root: root.document.number, document });
  return { ...trust, record };
}
