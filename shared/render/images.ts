import { AppError } from "../errors.ts";
import { type KubeObject, member, members, nameOf, refOf } from "../live.ts";
import { containersOf, type PodTemplate, podTemplatesOf } from "./pod-template.ts";

const PINNED = /^[^\s@]+@(sha256:[0-9a-f]{64})$/;

/** Every image that an object runs or mounts, with its pointer. */
export function imagesOf(object: KubeObject): { path: string; image: string }[] {
  return podTemplatesOf(object).flatMap(imagesIn);
}

function imagesIn(template: PodTemplate): { path: string; image: string }[] {
  const containers = containersOf(template.spec).flatMap(({ path, container }) =>
    typeof container["image"] === "string"
      ? [{ path: `${template.path}${path}/image`, image: container["image"] }]
      : [],
  );
  const volumes = members(template.spec, "volumes").flatMap((volume, index) => {
    const reference = member(volume, "image")["reference"];
    return typeof reference === "string"
      ? [{ path: `${template.path}/volumes/${index}/image/reference`, image: reference }]
      : [];
  });
  return [...containers, ...volumes];
}

/** The digest that an image reference pins; null where it pins none. */
export function digestOf(image: string): string | null {
  return PINNED.exec(image)?.[1] ?? null;
}

/** Refuses an image that is not pinned, or pinned to a digest that the bundle does not list: `image`. null: there is no list yet. */
export function checkImages(object: KubeObject, listed: ReadonlySet<string> | null, path: string): void {
  for (const { path: at, image } of imagesOf(object)) {
    const digest = digestOf(image);
    const where = `files/${path} ${nameOf(refOf(object))} ${at}`;
    if (digest === null) {
      throw new AppError("image", `image ${image} is not pinned by digest`, {
        where,
        fix: "write it as name:tag@sha256:...",
      });
    }
    if (listed?.has(digest) === false)
      throw new AppError("image", `image ${image} is not in the bundle's list`, { where });
  }
}
