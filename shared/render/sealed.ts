import { AppError } from "../errors.ts";
import { type JsonObject, type KubeObject, member } from "../live.ts";
import { sha256Hex } from "../node/sha256.ts";
import { readSopsSecret, sealedValue } from "../sops.ts";
import { withoutStringData } from "./secret-data.ts";

/** The objects of sealed files by path, opened: as SOPS decrypts them, without its metadata. */
export type Secrets = ReadonlyMap<string, KubeObject>;

/** `sealed:<first 8 bytes of the SHA-256 of the ciphertext>`: says whether it is another one, and nothing of what is in it. */
const PLACEHOLDER = /^sealed:[0-9a-f]{16}$/;

/** A sealed Secret as everybody sees it. Throws `schema` for a file that is none. */
export function sealedObject(file: KubeObject, path: string): KubeObject {
  const { data: _data, stringData: _stringData, ...rest } = readSopsSecret(file, `files/${path}`).object;
  const data = entries(file, "data").map(([key, value]) => [key, placeholder(value) ?? value]);
  const text = entries(file, "stringData").map(([key, value]) => [key, placeholder(value), value] as const);
  const sealed = text.flatMap(([key, shown]) => (shown === null ? [] : [[key, shown]]));
  const clear = text.flatMap(([key, shown, value]) => (shown === null ? [[key, value]] : []));
  return {
    ...rest,
    data: Object.fromEntries([...data, ...sealed]),
    ...(clear.length > 0 && { stringData: Object.fromEntries(clear) }),
  } as KubeObject;
}

/** What of a sealed Secret everybody can read: the same object without its sealed values. */
export function inTheClear(sealed: KubeObject): KubeObject {
  const data = entries(sealed, "data").filter(([, value]) => value !== "" && !isPlaceholder(value));
  return { ...sealed, data: Object.fromEntries(data) };
}

/** An object with plaintexts, until it is applied: plans carry it, and whoever prints or stores one sees nothing of it. */
export class Opened {
  readonly #object: KubeObject;

  constructor(object: KubeObject) {
    this.#object = object;
  }

  /** For the API server, and nobody else. */
  reveal(): KubeObject {
    return this.#object;
  }
}

/** A rendered Secret with its values in place of what stands for them, as far as overlays left that there. */
export function opened(rendered: KubeObject, sealed: KubeObject, secrets: Secrets, path: string): Opened {
  const secret = secrets.get(path);
  if (secret === undefined) throw new AppError("internal", "it was not opened", { where: `files/${path}` });
  const shown = member(sealed, "data");
  const plain = member(withoutStringData(secret, path), "data");
  const data = entries(rendered, "data").map(([key, value]) => [
    key,
    isPlaceholder(value) && shown[key] === value ? (plain[key] ?? value) : value,
  ]);
  return new Opened({ ...rendered, data: Object.fromEntries(data) });
}

function placeholder(value: JsonObject[string]): string | null {
  return sealedValue(value) === null ? null : `sealed:${sha256Hex(String(value)).slice(0, 16)}`;
}

function isPlaceholder(value: JsonObject[string]): boolean {
  return typeof value === "string" && PLACEHOLDER.test(value);
}

function entries(object: KubeObject, key: "data" | "stringData"): [string, JsonObject[string]][] {
  return Object.entries(member(object, key));
}
