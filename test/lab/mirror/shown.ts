import type { Bundle } from "../../../shared/bundle.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { directorySource } from "../../../shared/source/directory.ts";

/** All that a site could take from a mirror's folder, a line each, unverified. Throws where something named is not there whole. */
export async function shownBy(folder: string): Promise<string[]> {
  const source = directorySource(folder);
  const heads = await source.heads();
  const found: string[] = [];
  for (const root of await source.roots(heads.get("trust") ?? "", 0)) found.push(`root ${sha256Hex(root.body)}`);
  const record = await source.record(heads.get("sites-2") ?? "", "s-0017");
  if (record !== null) found.push(`record ${sha256Hex(record.body)}`);
  const bundles = heads.get("bundles/pos");
  for (const ref of bundles === undefined ? [] : await source.versions(bundles)) {
    const { body, signatures } = await source.manifest(ref);
    const { files } = JSON.parse(Buffer.from(body).toString()) as Bundle;
    const left = new Map(files.map(({ path, sha256 }) => [path, sha256]));
    let bytes = Buffer.alloc(0);
    for await (const chunk of source.blobs(ref, files)) {
      bytes = Buffer.concat([bytes, chunk.bytes]);
      if (!chunk.last) continue;
      if (left.get(chunk.path) === sha256Hex(bytes)) left.delete(chunk.path);
      bytes = Buffer.alloc(0);
    }
    if (left.size > 0) throw new Error(`${ref.version} is not whole: ${[...left.keys()].join(", ")}`);
    found.push(`${ref.version} ${sha256Hex(body)} ${[...signatures.keys()].join("+")}`);
  }
  return found;
}

/** The same; nothing where there is no mirror yet. */
export async function shownSoFar(folder: string): Promise<string[]> {
  try {
    return await shownBy(folder);
  } catch (error) {
    if (error instanceof AppError && error.code === "unreachable") return [];
    throw error;
  }
}
