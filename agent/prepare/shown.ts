import { sorted } from "../../shared/canonical.ts";
import { type Json, type ObjectRef } from "../../shared/live.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";

const MOST = 200;
const SEALED = /^sealed:[0-9a-f]{16}$/;
/** All of a Secret but these may hold a value. */
const OPEN_IN_SECRETS = /^\/(type|immutable|metadata\/labels\/.*)$/;

/** A value as a diff shows it: JSON, cut where it is long, with a hash so that another rest is another value. */
export function shown(value: Json): string {
  const text = typeof value === "string" && value.startsWith("${") ? value : sorted(value);
  if (text.length <= MOST) return text;
  return `${text.slice(0, MOST).toWellFormed()}... (${text.length} characters, ${hashOf(text)})`;
}

export function isSecret({ apiVersion, kind }: Pick<ObjectRef, "apiVersion" | "kind">): boolean {
  return apiVersion === "v1" && kind === "Secret";
}

/**
 * Of a Secret: what a bundle says is told by its hash, as everybody who has the bundle could; what lives in the cluster is told by nothing, for
 * a hash of a short password is the password.
 */
export function hidden(path: string, side: "live" | "bundle", value: Json): string {
  if (OPEN_IN_SECRETS.test(path)) return shown(value);
  if (side === "live") return "hidden";
  return typeof value === "string" && SEALED.test(value) ? value : `hash:${hashOf(sorted(value))}`;
}

function hashOf(text: string): string {
  return sha256Hex(text).slice(0, 16);
}
