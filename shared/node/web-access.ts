/** How a program gets at a web server that asks who comes: what its configuration says of it, and what lies in the files named there. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod/mini";
import { AppError } from "../errors.ts";
import type { HttpAuth } from "./http-address.ts";

const path = z.string().check(z.minLength(1));

/** An address without query or fragment. */
export const webAddress = z.string().check(z.regex(/^https?:\/\/[^\s/?#]+[^\s?#]*$/));

/** Keys beside an address in a configuration file. */
export const accessKeys = {
  /** Sent to that host only. A user with a password, or a token. */
  user: z.optional(path),
  passwordFile: z.optional(path),
  tokenFile: z.optional(path),
  /** PEM. These and no others may then vouch for the server. */
  caFile: z.optional(path),
};

export interface Access {
  user?: string | undefined;
  passwordFile?: string | undefined;
  tokenFile?: string | undefined;
  caFile?: string | undefined;
}

/** Why these keys do not go together; null where they do. */
export function accessConflict({ user, passwordFile, tokenFile }: Access): string | null {
  if ((user === undefined) !== (passwordFile === undefined)) return "user and passwordFile go together";
  if (user !== undefined && tokenFile !== undefined) return "a user with a password or a token, not both";
  return null;
}

/** With its files below the folder of the configuration. */
export function accessBelow<T extends Access>(folder: string, access: T): T {
  const placed = { ...access };
  for (const key of ["passwordFile", "tokenFile", "caFile"] as const) {
    const file = access[key];
    if (file !== undefined) placed[key] = resolve(folder, file);
  }
  return placed;
}

/** Throws `config` where a file cannot be read. */
export function readAccess({ user, passwordFile, tokenFile, caFile }: Access): { auth?: HttpAuth; ca?: string } {
  const ca = caFile === undefined ? {} : { ca: textOf(caFile) };
  if (tokenFile !== undefined) return { ...ca, auth: { bearer: textOf(tokenFile).trim() } };
  if (user === undefined || passwordFile === undefined) return ca;
  return { ...ca, auth: { basic: { user, password: textOf(passwordFile).replace(/\r?\n$/, "") } } };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new AppError("config", "this file, which a source needs, cannot be read", { where: file, cause });
  }
}
