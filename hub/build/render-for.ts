import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import type { KubeObject } from "../../shared/live.ts";
import { render } from "../../shared/render/render.ts";
import { close, openForSite } from "../../shared/verify/bundle.ts";
import { type CheckedFile, checkFile } from "../../shared/verify/file.ts";
import { openRecord } from "../../shared/verify/record.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { readSigned } from "./signed-files.ts";
import type { KnownVersion } from "./versions.ts";

/**
 * The objects of a version as one site applies them: verified and rendered by the same code as there, with the site's signed record and
 * no value of a hub; what is sealed stays `sealed:<hash>`. Throws what the site would refuse it with, and `not-found` where there is no record.
 */
export async function renderFor(
  folder: string,
  version: KnownVersion,
  site: string,
  root: TrustedRoot,
): Promise<KubeObject[]> {
  const where = `sites/${site}.json`;
  const signed = await readSigned(join(folder, where));
  if (signed === null) throw new AppError("not-found", `there is no record of ${site}`, { where });
  const record = openRecord(signed, site, root);
  // Of a site that has committed nothing yet, and whose clock is not known to be right.
  const view = { record, marks: null, known: [], now: 0, synced: false };
  const opened = openForSite(version.document, version.manifest.name, root, view);
  const bytesOf = new Map(version.files.map(({ path, bytes }) => [path, bytes]));
  const files = opened.manifest.files.map(({ path, sha256 }): [string, CheckedFile] => {
    return [sha256, checkFile(sha256, bytesOf.get(path) ?? new Uint8Array())];
  });
  return render(close(opened, new Map(files)), { record, hub: {} }).objects.map(({ object }) => object);
}
