import { FILE_MAX_BYTES } from "../../shared/bundle.ts";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { type Json, type KubeObject, nameOf, refOf } from "../../shared/live.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { readYamlDocuments } from "../../shared/node/yaml-document.ts";
import { pointer } from "../../shared/parse.ts";
import { digestOf, imagesOf } from "../../shared/render/images.ts";
import { checkPrivilege } from "../../shared/render/privilege.ts";
import type { Delegation } from "../../shared/root.ts";
import { checkFile, parseObject } from "../../shared/verify/file.ts";

/** One object of a bundle: a raw JSON file, and where a person wrote it. */
export interface BuiltFile {
  /** Inside the bundle's `files/`. */
  path: string;
  bytes: Uint8Array;
  object: KubeObject;
  /** `file:line` of a JSON pointer. */
  where(pointer: string): string;
}

/** Every document of YAML files becomes one file, in the order given. Throws `malformed`, `unsupported`, `schema`, all with file:line. */
export function readManifests(files: readonly { path: string; text: string }[]): BuiltFile[] {
  const documents = files.flatMap(({ path, text }) =>
    readYamlDocuments(text, path).map(({ value, lineOf }) => ({
      value,
      where: (pointer: string) => `${path}:${lineOf(pointer)}`,
    })),
  );
  const digits = Math.max(2, String(documents.length - 1).length);
  return documents.map(({ value, where }, index) => {
    const bytes = Buffer.from(canonicalJson(value));
    const object = asObject(bytes, where(""));
    const title = `${object.kind}-${object.metadata.name}`.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-");
    const path = `${String(index).padStart(digits, "0")}-${title.slice(0, 200)}.json`;
    return { path, bytes, object, where };
  });
}

function asObject(bytes: Uint8Array, where: string): KubeObject {
  if (bytes.byteLength > FILE_MAX_BYTES) {
    throw new AppError("too-large", `an object of ${bytes.byteLength} bytes, at most ${FILE_MAX_BYTES}`, { where });
  }
  try {
    return parseObject(checkFile(sha256Hex(bytes), bytes), "");
  } catch (cause) {
    throw cause instanceof AppError ? new AppError(cause.code, cause.message, { where, cause }) : cause;
  }
}

/** What a site would refuse, said here with the line to change: `privilege`, `unsupported`, `variable`, `schema`. */
export function checkObjects(files: readonly BuiltFile[], delegation: Delegation): void {
  const seen = new Map<string, string>();
  for (const { path, object, where } of files) {
    if (object.kind.endsWith("List") && Array.isArray(object["items"])) {
      const fix = "write its items as documents of their own, between `---`";
      throw new AppError("unsupported", "lists of objects are not read", { where: where("/kind"), fix });
    }
    if (object.kind === "Secret" && object.apiVersion === "v1") {
      const fix = "a bundle is readable by whoever carries it; let the site have the secret by another way";
      throw new AppError("unsupported", "Secrets in the clear are not taken", { where: where("/kind"), fix });
    }
    const variable = variableIn(object, []);
    if (variable !== undefined) {
      const fix = `write $${variable.text} for the text itself`;
      throw new AppError("variable", `${variable.text} is not declared`, { where: where(variable.pointer), fix });
    }
    try {
      checkPrivilege(object, delegation, path);
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      const pointer = cause.where?.split(" ").at(-1) ?? "";
      const at = where(pointer.startsWith("/") ? pointer : "");
      throw new AppError(cause.code, cause.message, { where: at, cause, ...(cause.fix && { fix: cause.fix }) });
    }
    const name = nameOf(refOf(object));
    const twin = seen.get(name);
    if (twin !== undefined) throw new AppError("schema", `${name} stands at ${twin} already`, { where: where("") });
    seen.set(name, where(""));
  }
}

/** The first `${NAME}` in a value, as the site's render would see it. */
function variableIn(value: Json, path: readonly PropertyKey[]): { text: string; pointer: string } | undefined {
  if (typeof value === "string") {
    const found = [...value.matchAll(/\$?\$\{[^}]*\}/g)].find(([text]) => !text.startsWith("$$"));
    return found === undefined ? undefined : { text: found[0], pointer: pointer(path) };
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = variableIn(item, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Every image, by its digest. Throws `image` that names each one without. */
export function pinnedImages(files: readonly BuiltFile[]): { ref: string; digest: string }[] {
  const used = files.flatMap(({ object, where }) =>
    imagesOf(object).map(({ path, image }) => ({ image, digest: digestOf(image), where: where(path) })),
  );
  const loose = used.filter(({ digest }) => digest === null);
  if (loose.length > 0) {
    const named = loose.map(({ image, where }) => `${image} (${where})`).join(", ");
    throw new AppError("image", `not pinned by digest: ${named}`, {
      fix: "write repository:tag@sha256:..., so that every site runs the same bytes",
    });
  }
  const pinned = new Map(used.map(({ image, digest }) => [image, digest ?? ""]));
  return [...pinned]
    .map(([image, digest]) => ({ ref: image.slice(0, image.indexOf("@")), digest }))
    .toSorted((a, b) => (`${a.ref}@${a.digest}` < `${b.ref}@${b.digest}` ? -1 : 1));
}
