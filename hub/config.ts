import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as z from "zod/mini";
import { AppError } from "../shared/errors.ts";
import { duration, milliseconds, name, sha256 } from "../shared/names.ts";
import { readConfigFile } from "../shared/node/config-file.ts";
import { LOG_LEVELS } from "../shared/node/log.ts";
import { ed25519ToRaw, type PrivateKey } from "../shared/node/ssh-key.ts";
import { parsePrivateKey } from "../shared/node/ssh-private-key.ts";
import { accessBelow, accessConflict, accessKeys, webAddress } from "../shared/node/web-access.ts";
import { FORGES } from "./notify/forge.ts";

const path = z.string().check(z.minLength(1));
/** 0 takes a free one. */
const port = z.int().check(z.gte(0), z.lte(65_535));
const longerThanZero = duration.check(z.refine((text) => milliseconds(text) > 0, "must be longer than 0"));

/** Where authors are told what became of their commits. */
const status = z.strictObject({
  kind: z.enum(FORGES),
  api: webAddress,
  project: z.string().check(z.regex(/^[\w.-]+(?:\/[\w.-]+)+$/)),
  tokenFile: path,
  caFile: z.optional(path),
  /** The hub's page, as people reach it. */
  page: z.optional(webAddress),
});

/** The one configuration file of a hub. Paths are relative to the file's folder. */
const config = z.strictObject({
  fleet: name,
  /** Everything that the hub keeps. */
  dataDir: path,
  /** SHA-256 of the root document that this hub begins with. */
  root: z.strictObject({ digest: sha256 }),
  repository: z.strictObject({ git: webAddress, ...accessKeys, status: z.optional(status) }).check(
    z.superRefine((access, context) => {
      const why = accessConflict(access);
      if (why !== null) context.addIssue({ code: "custom", message: why });
    }),
  ),
  /** How often the fleet repository is asked for news. */
  poll: z._default(longerThanZero, "30s"),
  /** The hub's own key, which the root's role `assign` names: an OpenSSH private key, ed25519, without a passphrase. */
  assignKey: path,
  mqtt: z.strictObject({ host: z._default(z.string(), "127.0.0.1"), port }),
  http: z.strictObject({
    host: z._default(z.string(), "127.0.0.1"),
    port,
    tokenFile: z.optional(path),
    /** The word that the Git server signs its webhooks with. */
    hookSecretFile: z.optional(path),
    /** Host names that people reach it by, beside its address: others are refused, so that no web page elsewhere can use it. */
    names: z.optional(z.array(z.string().check(z.regex(/^[a-z0-9.-]+$/)))),
  }),
  /** A hub that was not heard of by its store for so long may be replaced by another that stands by. */
  lease: z._default(longerThanZero, "15s"),
  /** How long a site may start what it was assigned without hearing from the hub again. */
  assignmentsExpire: z._default(longerThanZero, "30d"),
  log: z._default(z.enum(LOG_LEVELS), "info"),
});

export type HubConfig = z.infer<typeof config>;

/** Throws `config` where the file cannot be read, `schema` or `malformed` with file and line for what is in it. */
export function readConfig(file: string): HubConfig {
  const folder = dirname(resolve(file));
  const parsed = readConfigFile(file, config);
  const { status: given, ...repository } = parsed.repository;
  const below = (file: string | undefined) => (file === undefined ? undefined : resolve(folder, file));
  const [tokenFile, hookSecretFile] = [below(parsed.http.tokenFile), below(parsed.http.hookSecretFile)];
  return {
    ...parsed,
    dataDir: resolve(folder, parsed.dataDir),
    repository: { ...accessBelow(folder, repository), ...(given && { status: accessBelow(folder, given) }) },
    assignKey: resolve(folder, parsed.assignKey),
    http: { ...parsed.http, ...(tokenFile && { tokenFile }), ...(hookSecretFile && { hookSecretFile }) },
  };
}

/** Throws `config`; `key` or `malformed` for what is no ed25519 key. */
export function readAssignKey(file: string): PrivateKey {
  const key = parsePrivateKey(
    read(file, "the assign key cannot be read", "make one with `ssh-keygen -t ed25519 -N ''` and name it in the root"),
  );
  ed25519ToRaw(key.public);
  return key;
}

/** A token or secret. Throws `config` for a file that cannot be read or holds less than 16 characters. */
export function readToken(file: string): string {
  const token = read(file, "the token of the API cannot be read", "write a long random word into it").trim();
  if (token.length >= 16) return token;
  throw new AppError("config", `a token of ${token.length} characters is too short`, {
    where: file,
    fix: "use at least 16, as from `openssl rand -hex 16`",
  });
}

function read(file: string, what: string, fix: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new AppError("config", what, { where: file, cause, fix });
  }
}
