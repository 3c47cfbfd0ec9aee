import * as z from "zod/mini";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { isMap, type Json, type KubeObject, members } from "../../shared/live.ts";
import { readYamlPlaced } from "../../shared/node/yaml.ts";
import { pointer } from "../../shared/parse.ts";
import { digestOf, imagesOf } from "../../shared/render/images.ts";
import type { BuiltFile } from "./manifests.ts";
import { type BundleFolder, filesAt, readTexts } from "./repository.ts";

const lockFile = z.strictObject({
  kind: z.literal("BundleLock/v1"),
  images: z.record(z.string(), z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/))),
});

/** `bundles/<name>/lock.yaml`: what the tags of images stood for when somebody looked. */
export interface Lock {
  /** Path from the top of the repository. */
  file: string;
  /** Digests by image, as the manifests write it. */
  images: Readonly<Record<string, string>>;
  /** `file:line` of an image. */
  where(image: string): string;
}

export async function readLock({ folder, treeish, path }: BundleFolder): Promise<Lock> {
  const file = `${path}/lock.yaml`;
  const [found] = await readTexts(folder, await filesAt(folder, treeish, file));
  if (found === undefined) return { file, images: {}, where: () => file };
  const { value, where } = readYamlPlaced(found.text, file, lockFile);
  return { file, images: value.images, where: (image) => where(pointer(["images", image])).split(" ")[0] ?? file };
}

/** The file's text: sorted, so that the same images are the same bytes. */
export function lockText(images: Readonly<Record<string, string>>): string {
  const lines = Object.keys(images)
    .toSorted()
    .map((image) => `  ${JSON.stringify(image)}: ${images[image]}\n`);
  const head = "# Written by `skerry bundle lock`: the digests that a build puts in place of tags. Commit it.\n";
  return `${head}kind: BundleLock/v1\nimages:${lines.length === 0 ? " {}\n" : `\n${lines.join("")}`}`;
}

export interface LooseImage {
  image: string;
  where: string;
}

/** Every image without a digest, in the order of the files. */
export function looseImages(files: readonly BuiltFile[]): LooseImage[] {
  return files.flatMap(({ object, where }) =>
    allImages(object).flatMap(({ path, image }) => (digestOf(image) === null ? [{ image, where: where(path) }] : [])),
  );
}

/**
 * Puts `image@digest` in place of each image that the lock names. Throws `image` that names every one without a digest there. Returns
 * the files, and a warning for each line of the lock that nothing uses.
 */
export function pinImages(files: readonly BuiltFile[], lock: Lock): { files: BuiltFile[]; warnings: string[] } {
  const loose = looseImages(files);
  const missing = loose.filter(({ image }) => lock.images[image] === undefined);
  if (missing.length > 0) {
    const named = missing.map(({ image, where }) => `${image} (${where})`).join(", ");
    throw new AppError("image", `not pinned by digest, and not in ${lock.file}: ${named}`, {
      fix: "run `skerry bundle lock`, or write repository:tag@sha256:..., so that every site runs the same bytes",
    });
  }
  const used = new Set(loose.map(({ image }) => image));
  const warnings = Object.keys(lock.images)
    .filter((image) => !used.has(image))
    .map((image) => `${lock.where(image)} nothing uses ${image}`);
  return { files: files.map((file) => pinned(file, lock)), warnings };
}

function pinned(file: BuiltFile, { images }: Lock): BuiltFile {
  const loose = allImages(file.object).filter(({ image }) => digestOf(image) === null);
  if (loose.length === 0) return file;
  const object = structuredClone(file.object);
  for (const { path, image } of loose) put(object, path.split("/").slice(1), `${image}@${images[image]}`);
  return { ...file, object, bytes: Buffer.from(canonicalJson(object)) };
}

/** Images of an object, or of a patch of one: a JSON patch brings them as values of its operations. */
function allImages(object: KubeObject): { path: string; image: string }[] {
  const brought = members(object, "patch").flatMap(({ path, value = null }, index) => {
    const at = `/patch/${index}/value`;
    if (typeof path !== "string" || !/ontainers(?:\/|$)/.test(path)) return [];
    return path.endsWith("/image") && typeof value === "string" ? [{ path: at, image: value }] : imagesBelow(value, at);
  });
  return [...imagesOf(object), ...brought];
}

/** Of containers that an operation brings, one or a list. */
function imagesBelow(value: Json, at: string): { path: string; image: string }[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => imagesBelow(each, `${at}/${index}`));
  const image = isMap(value) ? value["image"] : undefined;
  return typeof image === "string" ? [{ path: `${at}/image`, image }] : [];
}

function put(into: Json, [key = "", ...rest]: string[], value: string): void {
  if (typeof into !== "object" || into === null) return;
  const target = into as { [key: string]: Json };
  if (rest.length === 0) target[key] = value;
  else put(target[key] ?? null, rest, value);
}
