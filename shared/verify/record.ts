import { parseCanonical, sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { parseAs } from "../parse.ts";
import type { SignedBytes } from "../ports.ts";
import { SITE_MAX_BYTES, SITE_NAMESPACE, type SiteRecord, siteRecord } from "../site.ts";
import { signersOf, type TrustedRoot } from "./root.ts";
import { requireThreshold } from "./threshold.ts";

declare const verified: unique symbol;
export type VerifiedRecord = SiteRecord & { readonly [verified]: true };

/** A record as anyone reads it who has no record of this site yet: the hub, or a site's first one. */
export function openRecord(document: SignedBytes, site: string, root: TrustedRoot): VerifiedRecord {
  const where = `sites/${site}.json`;
  requireThreshold(document, SITE_NAMESPACE, signersOf(root, "site"), where);
  const record = parseAs(siteRecord, parseCanonical(document.body, where, SITE_MAX_BYTES), where);
  if (record.fleet !== root.document.fleet) {
    throw new AppError("fleet", `record of fleet ${record.fleet}, not ${root.document.fleet}`, { where });
  }
  if (record.id !== site) throw new AppError("record", `record of site ${record.id}, not ${site}`, { where });
  if (record.root > root.document.number) {
    throw new AppError("root-chain", `needs root ${record.root}, ${root.document.number} is held`, { where });
  }
  return record as VerifiedRecord;
}

/** A record for the site itself: not older than the one held, for a site that has one of its keys, and for its box. */
export function acceptRecord(
  document: SignedBytes,
  self: { site: string; reportKey: string; box: string; held: VerifiedRecord | null },
  root: TrustedRoot,
): VerifiedRecord {
  const record = openRecord(document, self.site, root);
  const where = `sites/${self.site}.json`;
  notOlder(record, self.held, where);
  if (!record.reportKeys.includes(self.reportKey)) {
    throw new AppError("record", "does not contain this site's own report key", {
      where: `${where} /reportKeys`,
      fix: "sign a record with the key that `skerry-agent` printed at its first start",
    });
  }
  if (record.box !== undefined && record.box !== self.box) {
    // Else its groups would be sealed for a box that is not here any more, and every bundle with secrets would fail later.
    throw new AppError("record", "its box is not this site's own", {
      where: `${where} /box`,
      fix: `sign a record with \`box: ${self.box}\`, and its groups anew`,
    });
  }
  return record;
}

/** A thief who signed the highest number there is would leave the owners none above it: numbers rise by no more than this at once. */
const MAX_LEAP = 1_000_000;

/** Rollback, equivocation and fast forward: numbers rise step by step, and one number is one content. */
export function notOlder(record: SiteRecord, held: SiteRecord | null, where: string): void {
  if (held === null || (record.number > held.number && record.number <= held.number + MAX_LEAP)) return;
  if (record.number > held.number) {
    throw new AppError("record", `record ${record.number} is too far above record ${held.number}, which is held`, {
      where,
      fix: `sign it with --number ${held.number + 1}`,
    });
  }
  if (record.number < held.number) {
    throw new AppError("record", `record ${record.number} is older than record ${held.number}, which is held`, {
      where,
      fix: `if it is meant, sign it with --number ${held.number + 1}`,
    });
  }
  if (sorted(record) === sorted(held)) return;
  throw new AppError("equivocation", `a second record ${record.number}, with other content than the one held`, {
    where,
    fix: `find out who signed two records with one number, and sign one with --number ${held.number + 1}`,
  });
}
