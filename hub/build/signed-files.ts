import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import type { SignedBytes } from "../../shared/ports.ts";

/** A document and its signatures `<file>.<key>.sig` beside it; null where there is no document. */
export async function readSigned(file: string, beside?: readonly string[]): Promise<SignedBytes | null> {
  const body = await readFile(file).catch(absent);
  if (body === null) return null;
  const stem = `${basename(file)}.`;
  const names = (beside ?? (await namesIn(dirname(file)))).filter(
    (name) => name.startsWith(stem) && name.endsWith(".sig"),
  );
  const signatures = await Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      return [name.slice(stem.length, -".sig".length), await readFile(join(dirname(file), name), "utf8")];
    }),
  );
  return { body, signatures: new Map(signatures) };
}

/** Throws `not-found` where there is no such file. */
export async function readWhole(file: string): Promise<Buffer> {
  const bytes = await readFile(file).catch(absent);
  if (bytes !== null) return bytes;
  throw new AppError("not-found", "there is no such file", { where: file });
}

/** Empty where there is no such file. */
export async function readTextOrEmpty(file: string): Promise<string> {
  return ((await readFile(file).catch(absent)) ?? "").toString();
}

/** The whole file or none of it, whenever the machine stops. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = join(dirname(file), `.${basename(file)}.unfinished`);
  await writeFile(unfinished, content, { flush: true });
  await rename(unfinished, file);
}

/** What a write that was cut off left behind. */
export function isUnfinished(file: string): boolean {
  return /^\..*\.unfinished$/.test(basename(file));
}

/** A document that is to be signed. Signatures of what was there before go first; the same bytes again leave everything as it is. */
export async function writeUnsigned(file: string, content: string): Promise<void> {
  const present = await readSigned(file);
  if (present !== null && Buffer.compare(present.body, Buffer.from(content)) === 0) return;
  for (const key of present?.signatures.keys() ?? []) await rm(`${file}.${key}.sig`, { force: true });
  await writeWhole(file, content);
}

/** Names in a folder, sorted; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return ((await readdir(folder).catch(absent)) ?? []).toSorted();
}

function absent(cause: NodeJS.ErrnoException): null {
  if (cause.code === "ENOENT") return null;
  throw new AppError("storage", cause.message, { cause });
}
