import * as z from "zod/mini";
import { AppError } from "./errors.ts";
import { isMap, type Json, type KubeObject } from "./live.ts";
import { parseAs, pointer } from "./parse.ts";

/**
 * A Secret that SOPS encrypted with age (https://getsops.io): the shape of it, for those who cannot open it. Of its own settings, which tell SOPS
 * what to encrypt, only `mac_only_encrypted` is needed to read it: what is sealed says so itself.
 */

type Path = readonly (string | number)[];

/** A sealed value. The parts are base64. */
const SEALED = /^ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]$/;
const ENCRYPT = "encrypt with `sops encrypt --encrypted-regex '^(data|stringData)$'`";
/** Members of a Secret that may be sealed; all others are read before it is opened. */
const SEALABLE = ["data", "stringData"] as const;

const metadata = z.object({
  age: z.array(z.object({ recipient: z.string(), enc: z.string() })).check(z.minLength(1)),
  lastmodified: z.string(),
  mac: z.string(),
  mac_only_encrypted: z.optional(z.boolean()),
  /** Parts of a data key that several people hold: one site cannot open that. */
  shamir_threshold: z.optional(z.literal(0)),
});

export type SopsMetadata = z.infer<typeof metadata>;

export interface SealedValue {
  data: string;
  iv: string;
  tag: string;
  type: string;
}

/** null for what is not sealed. */
export function sealedValue(value: Json): SealedValue | null {
  if (typeof value !== "string") return null;
  const [, data, iv, tag, type] = SEALED.exec(value) ?? [];
  if (data === undefined || iv === undefined || tag === undefined || type === undefined) return null;
  return { data, iv, tag, type };
}

export interface SopsSecret {
  metadata: SopsMetadata;
  /** Without `sops`; in the order of the file, by which the MAC goes. */
  object: KubeObject;
}

/** Throws `schema` for what is no Secret that SOPS encrypted for age, and for one that is sealed where it must be read. */
export function readSopsSecret({ sops, ...object }: KubeObject, where: string): SopsSecret {
  if (object.apiVersion !== "v1" || object.kind !== "Secret") {
    throw new AppError("schema", "secrets are objects of kind Secret, apiVersion v1, with both in the clear", {
      where,
      fix: ENCRYPT,
    });
  }
  if (!isMap(sops)) {
    throw new AppError("schema", "it is not encrypted: SOPS left no mark in it", {
      where,
      fix: "encrypt it with `sops`",
    });
  }
  for (const [path, value] of leaves(object)) {
    const problem = typeof value === "string" && value.startsWith("ENC[") ? problemOf(path, value) : null;
    if (problem !== null)
      throw new AppError("schema", problem.what, { where: `${where} ${pointer(path)}`, fix: problem.fix });
  }
  return { metadata: parseAs(z.object({ sops: metadata }), { sops }, where).sops, object: object as KubeObject };
}

function problemOf(path: Path, value: string): { what: string; fix: string } | null {
  if (!isSealable(path)) {
    const fix = `${ENCRYPT}, so that everybody can see what it is`;
    return { what: "this is encrypted, and must be read by those who cannot open it", fix };
  }
  const type = sealedValue(value)?.type;
  if (type === "str" || type === "bytes") return null;
  if (type === undefined) return { what: "not a value as SOPS seals it", fix: "encrypt it anew" };
  return {
    what: `a value of type ${type}; those of a Secret are text`,
    fix: "put it between quotes, and encrypt it anew",
  };
}

/** Every value that holds no others, with its path, in order. */
export function* leaves(value: Json, path: Path = []): Generator<[Path, Json]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* leaves(item, [...path, index]);
  } else if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) yield* leaves(item, [...path, key]);
  } else yield [path, value];
}

/** `/data/password`, `/stringData/password`. */
function isSealable([member, key, ...deeper]: Path): boolean {
  return typeof key === "string" && deeper.length === 0 && SEALABLE.some((name) => name === member);
}
