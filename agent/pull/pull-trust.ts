import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { Source } from "../../shared/source/source.ts";
import { acceptRecord } from "../../shared/verify/record.ts";
import { nextRoot, pinRoot, type TrustedRoot } from "../../shared/verify/root.ts";
import { type Refusing, refusing } from "./refuse.ts";
import type { Identity, Trust } from "./trust.ts";

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
  return { ...trust, roots, root };
}

/** The site's own record, where the source has another one than is held. */
export async function pullRecord(
  to: Refusing,
  source: Source,
  identity: Identity,
  trust: Trust,
  head: string,
): Promise<Trust> {
  const { root, record: held } = trust;
  if (root === null) return trust;
  const document = await source.record(head, identity.site);
  if (document === null) return trust;
  const id = `record ${sha256Hex(document.body)}`;
  const record = refusing(to, { bundle: "", id, digest: null, trust }, () =>
    acceptRecord(document, { site: identity.site, reportKey: identity.reportKey, held }, root),
  );
  if (record === null || record.number === held?.number) return trust;
  to.cache.keepRecord(document);
  return { ...trust, record };
}
