import { createDecipheriv, createHash } from "node:crypto";
import { AppError } from "../../shared/errors.ts";
import { isMap, type Json, type JsonObject, type KubeObject } from "../../shared/live.ts";
import { ageDecrypt } from "../../shared/node/age.ts";
import type { AgeIdentity } from "../../shared/node/age-key.ts";
import { readSopsSecret, type SealedValue, type SopsMetadata, sealedValue } from "../../shared/sops.ts";

/** The SHA-256 of `sops`: what a MAC over the sealed values alone begins with (getsops `MACOnlyEncryptedInitialization`). */
const ONLY_SEALED = Buffer.from("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69", "hex");
const DATA_KEY = 32;
const TAG = 16;

/**
 * A Secret as SOPS decrypts it (getsops/sops `sops.go`, `aes/cipher.go`), its MAC checked. Throws `record` where none of these groups can open
 * it, `key` where one should and does not, `signature` for what was changed, `malformed`, `schema`. No plaintext stands in any of them.
 */
export function openSops(file: KubeObject, groups: ReadonlyMap<string, AgeIdentity>, where: string): KubeObject {
  const { metadata, object } = readSopsSecret(file, where);
  const key = dataKey(metadata, groups, where);
  const mac = createHash("sha512");
  if (metadata.mac_only_encrypted === true) mac.update(ONLY_SEALED);
  const open = (value: Json, path: readonly string[]): Json => {
    if (Array.isArray(value)) return value.map((item) => open(item, path));
    if (isMap(value)) return opened(value, path);
    const sealed = sealedValue(value);
    const at = `${where} /${path.join("/")}`;
    const bytes = sealed === null ? bytesOf(value) : unsealed(sealed, key, `${path.join(":")}:`, at);
    if (sealed !== null || metadata.mac_only_encrypted !== true) mac.update(bytes);
    return sealed === null ? value : textOf(bytes, at);
  };
  const opened = (map: JsonObject, path: readonly string[]): JsonObject =>
    Object.fromEntries(Object.entries(map).map(([name, value]) => [name, open(value, [...path, name])]));
  const result = opened(object, []) as KubeObject;
  const sealedMac = sealedValue(metadata.mac);
  if (sealedMac === null)
    throw new AppError("malformed", "its MAC is not in the form of SOPS", { where: `${where} /sops/mac` });
  const told = unsealed(sealedMac, key, metadata.lastmodified, `${where} /sops/mac`).toString("latin1");
  if (told === mac.digest("hex").toUpperCase()) return result;
  throw new AppError("signature", "the MAC of SOPS does not hold: a value was changed, moved or left out", {
    where,
    fix: "edit the file with `sops` only; write dates and numbers outside of data between quotes",
  });
}

function dataKey({ age }: SopsMetadata, groups: ReadonlyMap<string, AgeIdentity>, where: string): Buffer {
  const index = age.findIndex(({ recipient }) => [...groups.values()].some((own) => own.recipient === recipient));
  const entry = age[index];
  if (entry === undefined) {
    const own = groups.size === 0 ? "no group" : `only ${[...groups.keys()].join(", ")}`;
    throw new AppError("record", `the site record has ${own}, and none for which this is encrypted`, {
      where,
      fix: `sign a record with the group of ${age.map(({ recipient }) => recipient).join(" or ")}`.slice(0, 200),
    });
  }
  const identities = [...groups.values()].filter(({ recipient }) => recipient === entry.recipient);
  const at = `${where} /sops/age/${index}/enc`;
  const key = placed(at, () => ageDecrypt(entry.enc, identities));
  if (key.length === DATA_KEY) return key;
  throw new AppError("malformed", `a data key of ${key.length} bytes, not ${DATA_KEY}`, { where: at });
}

function unsealed({ data, iv, tag }: SealedValue, key: Uint8Array, context: string, where: string): Buffer {
  const authTag = Buffer.from(tag, "base64");
  const nonce = Buffer.from(iv, "base64");
  if (authTag.length !== TAG || nonce.length < 12 || nonce.length > 64) {
    throw new AppError("malformed", "a sealed value with a tag or a nonce of the wrong length", { where });
  }
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(authTag);
  const plaintext = decipher.update(Buffer.from(data, "base64"));
  try {
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    throw new AppError("signature", "a sealed value was changed, or belongs to another place or file", { where });
  }
}

/** As SOPS counts a value in its MAC (`ToBytes`): what is null it does not count. */
function bytesOf(value: Json): Buffer {
  if (value === null) return Buffer.alloc(0);
  if (typeof value === "boolean") return Buffer.from(value ? "True" : "False");
  return Buffer.from(String(value));
}

function textOf(bytes: Buffer, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError("malformed", "a sealed value is not text in UTF-8", {
      where,
      fix: "put bytes under data, in base64",
    });
  }
}

/** A refusal of a part, with the place of the whole. */
export function placed<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError(cause.code, cause.message, { where, cause, ...(cause.fix !== undefined && { fix: cause.fix }) });
  }
}
