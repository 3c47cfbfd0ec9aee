import { join } from "node:path";
import * as z from "zod/mini";
import { canonicalJson, parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { readYaml } from "../../shared/node/yaml.ts";
import { parseAs } from "../../shared/parse.ts";
import type { Journal } from "../../shared/ports.ts";
import type { Root } from "../../shared/root.ts";
import { SITE_MAX_BYTES, type SiteRecord, siteRecord } from "../../shared/site.ts";
import { readSigned, readWhole, writeUnsigned } from "./signed-files.ts";

const { id, labels, values, bundles, reportKeys, box, groups, floors, retired } = siteRecord.shape;
/** A site record as a person writes it; what is left out is empty, or derived: fleet, number, date, root. */
const siteDraft = z.strictObject({
  id,
  labels,
  bundles,
  reportKeys: z.pipe(z.pipe(z.array(z.string()), z.transform(withoutComments)), reportKeys),
  values: z.optional(values),
  box,
  groups: z.optional(groups),
  floors: z.optional(floors),
  retired,
});

/** The agent prints its key as it is; a `.pub` file has a comment behind it. */
function withoutComments(lines: string[]): string[] {
  return lines.map((line) => line.trim().split(/\s+/).slice(0, 2).join(" "));
}

/**
 * Writes `sites/<id>.json` from a draft. A record that says the same already stays as it is, so that a second person
 * who signs from the same draft signs the same bytes. `least`: the number is not below it. Returns its path.
 */
export async function writeRecord(
  repository: string,
  options: { from: string; root: Root; createdAt: string; least: number },
  journal: Journal,
): Promise<string> {
  const { from, root, createdAt, least } = options;
  const draft = readYaml((await readWhole(from)).toString(), from, siteDraft);
  const file = join(repository, "sites", `${draft.id}.json`);
  const present = await readRecord(file);
  const record: SiteRecord = {
    ...draft,
    fleet: root.fleet,
    root: root.number,
    values: draft.values ?? {},
    groups: draft.groups ?? {},
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
