import { FILE_MAX_BYTES } from "../../shared/bundle.ts";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { isMap, type JsonObject, type KubeObject } from "../../shared/live.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { readYamlAsKubectl } from "../../shared/node/yaml-document.ts";
import type { YamlWarning } from "../../shared/node/yaml-reader.ts";
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

export interface Manifests {
  files: BuiltFile[];
  /** Text that is read as kubectl does, and that YAML 1.2 reads otherwise. */
  warnings: YamlWarning[];
}

interface Written {
  value: JsonObject;
  where(pointer: string): string;
}

/**
 * Every object of YAML files becomes one file, in the order given, as kubectl would read it; those of a list each their own.
 * Throws `malformed`, `unsupported`, `schema`, `too-large`, all with file:line.
 */
export function readManifests(files: readonly { path: string; text: string }[]): Manifests {
  const warnings: YamlWarning[] = [];
  const objects = files.flatMap(({ path, text }) => {
    const read = readYamlAsKubectl(text, path);
    warnings.push(...read.warnings);
    return read.documents.flatMap(({ value, lineOf }) => objectsOf(value, (pointer) => `${path}:${lineOf(pointer)}`));
  });
  const digits = Math.max(2, String(objects.length - 1).length);
  const built = objects.map(({ value, where }, index) => {
    const bytes = Buffer.from(canonicalJson(value));
    const object = asObject(bytes, where(""));
    const title = `${object.kind}-${object.metadata.name}`.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-");
    const path = `${String(index).padStart(digits, "0")}-${title.slice(0, 200)}.json`;
    return { path, bytes, object, where };
  });
  return { files: built, warnings };
}

/** One line for a person. */
export function warningInWords({ where, text, asKubectl, asYaml12 }: YamlWarning): string {
  return `${where}: \`${text}\` is read as kubectl does, ${asKubectl}; YAML 1.2 has ${asYaml12}; put it between quotes if it is text`;
}

/** A document's objects. What has `items` is a list to kubectl, whatever its kind. */
function objectsOf(value: unknown, where: (pointer: string) => string): Written[] {
  if (!isMap(value)) {
    throw new AppError("malformed", `not an object but ${sortOf(value)}`, {
      where: where(""),
      fix: "a document begins with apiVersion and kind; end it with a line `---`",
    });
  }
  const { items } = value;
  if (items === undefined) return [{ value, where }];
  if (items !== null && !Array.isArray(items)) {
    throw new AppError("malformed", "`items` of a list is no list", { where: where("/items") });
  }
  return (items ?? []).map((item, index) => {
    const at = (pointer: string) => where(`/items/${index}${pointer}`);
    if (!isMap(item)) throw new AppError("malformed", `not an object but ${sortOf(item)}`, { where: at("") });
    if (item["items"] !== undefined)
      throw new AppError("unsupported", "a list in a list is not read", { where: at("") });
    return { value: named(item, value), where: at };
  });
}

/** In a `ConfigMapList` an item need not say that it is a ConfigMap. */
function named(item: JsonObject, { apiVersion, kind }: JsonObject): JsonObject {
  if (item["kind"] !== undefined || typeof kind !== "string" || !/.List$/.test(kind)) return item;
  return { ...item, kind: kind.slice(0, -"List".length), ...(apiVersion !== undefined && { apiVersion }) };
}

function sortOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return value === null ? "null" : `a ${typeof value}`;
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
