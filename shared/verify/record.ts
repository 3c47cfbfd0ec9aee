import { parseCanonical, sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { parseAs } from "../parse.ts";
import type { SignedBytes } from "../ports.ts";
import { SITE_MAX_BYTES, SITE_NAMESPACE, type SiteRecord, siteRecord, unsupportedInSite } from "../site.ts";
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
  const unsupported = unsupportedInSite(record);
  if (unsupported.length > 0) {
    throw new AppError("unsupported", `this version does not do ${unsupported.join(", ")}`, {
      where,
      fix: "update this program first",
    });
  }
  return record as VerifiedRecord;
}

/** A record for the site itself: not older than the one held, and for a site that has one of its keys. */
export function acceptRecord(
  document: SignedBytes,
  self: { site: string; reportKey: string; held: VerifiedRecord | null },
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
  return record;
}

/** Rollback and equivocation: numbers rise, and one number is one content. */
export function notOlder(record: SiteRecord, held: SiteRecord | null, where: string): void {
  if (held === null || record.number > held.number) return;
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
