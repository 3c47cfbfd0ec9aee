import type { AppError } from "../shared/errors.ts";
import type { Refusal, StoredVersion } from "./cache/cache.ts";
import { lacking } from "./pull/take.ts";
import type { Trust } from "./pull/trust.ts";
import { isLasting, OF_TARGET } from "./refusal.ts";
import type { BundleSituation } from "./report/report.ts";

/** What the disk has, and what of it or of the sources was refused. */
export interface Shown {
  versions: readonly StoredVersion[];
  refusals: readonly Refusal[];
}

/** Refused versions that nothing has made up for. */
export function refusedOf(
  { versions, refusals }: Shown,
  trust: Trust,
  running: readonly BundleSituation[],
): { bundle: string; digest: string; code: AppError["code"] }[] {
  const root = trust.root?.document.number;
  const record = trust.record?.number;
  const found = new Map<string, { bundle: string; digest: string; code: AppError["code"] }>();
  const runs = new Set(running.map(({ hold }) => hold.bundle));
  // What one source has wrong, another may have brought since.
  const lacked = new Set(
    lacking(
      versions,
      refusals.flatMap(({ digest }) => digest ?? []),
    ),
  );
  for (const refusal of refusals) {
    const { bundle, digest, code, ...under } = refusal;
    if (digest === null) continue;
    // What runs says in its own place what it waits for.
    const counts =
      under.id === OF_TARGET
        ? isLasting(refusal) && !runs.has(bundle)
        : lacked.has(digest) && under.root === root && under.record === record;
    if (counts) found.set(`${bundle} ${digest}`, { bundle, digest, code });
  }
  return [...found.values()].slice(-16);
}
