import { join } from "node:path";
import * as z from "zod/mini";
import { canonicalJson, parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { name } from "../../shared/names.ts";
import { ageEncrypt } from "../../shared/node/age.ts";
import { type AgeIdentity, formatAgeIdentity } from "../../shared/node/age-key.ts";
import { readYaml } from "../../shared/node/yaml.ts";
import { parseAs } from "../../shared/parse.ts";
import type { Journal } from "../../shared/ports.ts";
import type { Root } from "../../shared/root.ts";
import { SITE_MAX_BYTES, type SiteRecord, siteRecord } from "../../shared/site.ts";
import { readSigned, readWhole, writeUnsigned } from "./signed-files.ts";

const { id, labels, values, bundles, reportKeys, box, floors, retired } = siteRecord.shape;
/** A site record as a person writes it; what is left out is empty, or derived: fleet, number, date, root. */
const siteDraft = z.strictObject({
  id,
  labels,
  bundles,
  reportKeys: z.pipe(z.pipe(z.array(z.string()), z.transform(withoutComments)), reportKeys),
  values: z.optional(values),
  box,
  /** By name: the keys lie with the operator. */
  groups: z.optional(z.array(name)),
  floors: z.optional(floors),
  retired,
});

/** The agent prints its key as it is; a `.pub` file has a comment behind it. */
function withoutComments(lines: string[]): string[] {
  return lines.map((line) => line.trim().split(/\s+/).slice(0, 2).join(" "));
}

/**
 * Writes `sites/<id>.json` from a draft. A record that says the same already stays as it is, so that a second person
 * who signs from the same draft signs the same bytes. `least`: the number is not below it. `groupKeys`: the keys of groups by name, which are
 * encrypted for the box anew; a group without one stays as the present record has it, for the same box. Returns its path.
 */
export async function writeRecord(
  repository: string,
  options: {
    from: string;
    root: Root;
    createdAt: string;
    least: number;
    groupKeys: ReadonlyMap<string, AgeIdentity>;
  },
  journal: Journal,
): Promise<string> {
  const { from, root, createdAt, least, groupKeys } = options;
  const draft = readYaml((await readWhole(from)).toString(), from, siteDraft);
  const file = join(repository, "sites", `${draft.id}.json`);
  const present = await readRecord(file);
  const record: SiteRecord = {
    ...draft,
    fleet: root.fleet,
    root: root.number,
    values: draft.values ?? {},
    groups: groupsOf(draft, present, groupKeys, from),
    floors: draft.floors ?? {},
    number: Math.max((present?.number ?? 0) + 1, least),
    createdAt,
  };
  if (present !== null && present.number >= least) {
    const same = { ...record, number: present.number, createdAt: present.createdAt, root: present.root };
    if (canonicalJson(same) === canonicalJson(present)) return file;
  }
  journal("build.write", "before");
  await writeUnsigned(file, canonicalJson(parseAs(siteRecord, record, from)));
  journal("build.write", "after");
  return file;
}

function groupsOf(
  { box, groups = [] }: z.infer<typeof siteDraft>,
  present: SiteRecord | null,
  keys: ReadonlyMap<string, AgeIdentity>,
  where: string,
): SiteRecord["groups"] {
  const stray = [...keys.keys()].find((given) => !groups.includes(given));
  if (stray !== undefined) {
    throw new AppError("usage", `--group-key for ${stray}, which the draft does not name`, {
      where: `${where} /groups`,
      fix: "list the group under `groups`, or leave the flag out",
    });
  }
  if (groups.length > 0 && box === undefined) {
    throw new AppError("schema", "a site with groups needs its box, for which their keys are encrypted", {
      where: `${where} /box`,
      fix: "put the line `age1...` there that skerry-agent printed at its first start",
    });
  }
  return Object.fromEntries(
    groups.map((group) => {
      const key = keys.get(group);
      if (key !== undefined) return [group, ageEncrypt(Buffer.from(formatAgeIdentity(key)), box ?? "")];
      const held = present?.box === box ? present?.groups[group] : undefined;
      if (held !== undefined) return [group, held];
      throw new AppError("usage", `no key of the group ${group} for this box is here`, {
        where: `${where} /groups`,
        fix: `give its key file: --group-key ${group}=FILE`,
      });
    }),
  );
}

async function readRecord(file: string): Promise<SiteRecord | null> {
  const document = await readSigned(file);
  if (document === null) return null;
  const record = siteRecord.safeParse(parseCanonical(document.body, file, SITE_MAX_BYTES));
  if (record.success) return record.data;
  throw new AppError("schema", "the present record cannot be read", {
    where: file,
    fix: "restore it with `git checkout`, so that the next number is known",
  });
}
