import { AppError } from "../../shared/errors.ts";
import type { Source } from "../../shared/source/source.ts";
import type { Refusing } from "./refuse.ts";
import { takeHead, takeRecord, takeRoots } from "./take-trust.ts";
import type { Identity, Trust } from "./trust.ts";

/**
 * Roots and the head, as a source has them. The newest root that is held is asked for again: another one under its number is a fork of
 * the chain. Throws `not-found` where the pinned root is not there.
 */
export async function pullRoots(
  to: Refusing,
  source: Source,
  identity: Identity,
  trust: Trust,
  head: string,
): Promise<Trust> {
  const held = trust.root?.document.number ?? 0;
  const next = takeRoots(to, identity, trust, await source.roots(head, Math.max(0, held - 1)));
  if (next.root === null) {
    throw new AppError("not-found", "the source has no root with the pinned digest", {
      where: `${source.address} trust`,
      fix: "compare `root.digest` of the configuration with `skerry root show`",
    });
  }
  if (next.root.document.roles.head === undefined) return next;
  const newest = await source.newest(head);
  return newest === null ? next : takeHead(to, next, newest);
}

/** The site's own record, where the source has one. */
export async function pullRecord(
  to: Refusing,
  source: Source,
  identity: Identity,
  trust: Trust,
  head: string,
): Promise<Trust> {
  const document = await source.record(head, identity.site);
  return document === null ? trust : takeRecord(to, identity, trust, document);
}
