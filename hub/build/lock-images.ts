import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import type { Journal } from "../../shared/ports.ts";
import { readBundle } from "./build.ts";
import { resolveImage } from "./image-registry.ts";
import { lockText, looseImages, readLock } from "./lock.ts";
import { type Repository, treeOfWork } from "./repository.ts";
import { writeWhole } from "./signed-files.ts";

/** What a lock file says now that it did not say before: each image with its digests, null where there is none. */
export interface LockChange {
  image: string;
  from: string | null;
  to: string | null;
}

/**
 * Asks the registries for every image without a digest, and writes `lock.yaml` beside bundle.yaml: all of it, or nothing where one cannot
 * be found. Reads the work tree as the next commit would have it, so that one commit takes manifests and lock. Returns what moved.
 */
export async function lockImages(
  repository: Repository,
  path: string,
  journal: Journal,
  resolve = resolveImage,
): Promise<LockChange[]> {
  const folder = { folder: repository.folder, treeish: await treeOfWork(repository, path), path };
  const { files } = await readBundle(folder);
  const before = await readLock(folder);
  const places = new Map(looseImages(files).map(({ image, where }) => [image, where]));
  const asked = await Promise.all(
    [...places].map(async ([image, where]) => ({ image, where, answer: await answerOf(image, resolve) })),
  );
  const failed = asked.flatMap(({ where, answer }) => (answer instanceof AppError ? [{ where, error: answer }] : []));
  const [first] = failed;
  if (first !== undefined) {
    const named = failed.map(({ where, error }) => `${error.message} (${where})`).join(", ");
    throw new AppError(first.error.code, named, {
      where: before.file,
      cause: first.error,
      ...(first.error.fix !== undefined && { fix: first.error.fix }),
    });
  }
  const images = Object.fromEntries(asked.map(({ image, answer }) => [image, String(answer)]));
  journal("lock.write", "before");
  await writeWhole(join(repository.folder, before.file), lockText(images));
  journal("lock.write", "after");
  return changesBetween(before.images, images);
}

async function answerOf(image: string, resolve: typeof resolveImage): Promise<string | AppError> {
  try {
    return await resolve(image);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function changesBetween(old: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): LockChange[] {
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .toSorted()
    .map((image) => ({ image, from: old[image] ?? null, to: now[image] ?? null }))
    .filter(({ from, to }) => from !== to);
}
