import type { Bundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { nameOf, refOf } from "../../shared/live.ts";
import { renderForBuild, type UnsignedBundle } from "../../shared/render/build.ts";
import { digestOf } from "../../shared/render/images.ts";
import type { BuiltFile } from "./manifests.ts";

/**
 * Everything that a site checks of rendered objects, with the line to change in place of the file of the bundle. Returns the images, each
 * by its digest, sorted. `where` is that of a pointer of bundle.yaml.
 */
export function checkRendered(
  bundle: UnsignedBundle & { files: readonly BuiltFile[] },
  where: (pointer: string) => string,
): Bundle["images"] {
  try {
    return renderForBuild(bundle).images.map(listed);
  } catch (cause) {
    throw cause instanceof AppError ? placed(cause, bundle.files, where) : cause;
  }
}

/** Every rendered image has a digest by now. */
function listed(image: string): Bundle["images"][number] {
  return { ref: image.slice(0, image.indexOf("@")), digest: digestOf(image) ?? "" };
}

/** `files/<path> <object> <pointer>` becomes the place where a person wrote that, and `bundle.json <pointer>` that in bundle.yaml. */
export function placed(error: AppError, files: readonly BuiltFile[], where: (pointer: string) => string): AppError {
  const [start = "", ...rest] = (error.where ?? "").split(" ");
  const last = rest.at(-1) ?? "";
  const pointer = last.startsWith("/") ? last : "";
  const file = files.find(({ path }) => start === `files/${path}`);
  if (file === undefined && start !== "bundle.json") return error;
  const at = file === undefined ? where(pointer) : inFile(file, pointer);
  const fix = error.fix === undefined ? {} : { fix: error.fix };
  const what = files.reduce((words, each) => words.replaceAll(`files/${each.path}`, each.where("")), error.message);
  return new AppError(error.code, what, { where: at, cause: error, ...fix });
}

function inFile({ object, where }: BuiltFile, pointer: string): string {
  const name = nameOf(refOf(object));
  const place = where(pointer);
  return place.includes(name) ? place : `${place} ${name}${pointer === "" ? "" : ` ${pointer}`}`;
}
