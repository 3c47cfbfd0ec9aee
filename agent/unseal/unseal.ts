import { ageDecrypt } from "../../shared/node/age.ts";
import { type AgeIdentity, parseAgeIdentity } from "../../shared/node/age-key.ts";
import type { Secrets } from "../../shared/render/sealed.ts";
import type { SiteRecord } from "../../shared/site.ts";
import type { VerifiedBundle } from "../../shared/verify/bundle.ts";
import { openSops, placed } from "./sops.ts";

/**
 * The Secrets of a bundle, opened in memory with the keys of the groups that the record gives to this box. Throws the refusals of `openSops`, and
 * `key` for a group whose key this box cannot open. Where there is nothing sealed, nothing is opened.
 */
export function unseal({ manifest, files }: VerifiedBundle, record: SiteRecord, box: AgeIdentity): Secrets {
  const sealed = files.filter(({ path }) => manifest.secrets?.includes(path) === true);
  if (sealed.length === 0) return new Map();
  const groups = new Map(
    Object.entries(record.groups).map(([name, armored]) => [name, groupKey(record, name, armored, box)]),
  );
  return new Map(sealed.map(({ path, object }) => [path, openSops(object, groups, `files/${path}`)]));
}

function groupKey({ id }: SiteRecord, name: string, armored: string, box: AgeIdentity): AgeIdentity {
  return placed(`sites/${id}.json /groups/${name}`, () =>
    parseAgeIdentity(ageDecrypt(armored, [box]).toString("utf8")),
  );
}
