import * as z from "zod/mini";
import { duration, matchesPattern, name, namePattern, number, time } from "./names.ts";

/** `skerry-root@v1`: the trust document of a fleet. Signed by the thresholds of the root before it and of itself. */

export const ROOT_NAMESPACE = "skerry-root@v1";
export const ROOT_MAX_BYTES = 256 * 1024;

const role = z.strictObject({ keys: z.array(name).check(z.minLength(1)), threshold: number });

/** A kind as Kubernetes tools write it: `ConfigMap`, `Deployment.apps`, or `*`, `*.apps`. The core group has no dot. */
const kindPattern = z.string().check(z.regex(/^(?:\*|[A-Z][A-Za-z0-9]{0,62})(?:\.[a-z0-9.-]{1,253})?$/));
/** A namespace, a prefix followed by `*`, or `*`. */
const namespacePattern = z.string().check(z.regex(/^(?:[a-z0-9][a-z0-9-]{0,62}\*?|\*)$/));

export const POD_SECURITY = ["privileged", "baseline", "restricted"] as const;
export type PodSecurity = (typeof POD_SECURITY)[number];

const delegation = z.strictObject({
  pattern: namePattern,
  keys: z.array(name).check(z.minLength(1)),
  threshold: number,
  epoch: number,
  namespaces: z.array(namespacePattern),
  kinds: z.array(kindPattern),
  podSecurity: z.optional(z.enum(POD_SECURITY)),
});

export const root = z.strictObject({
  fleet: name,
  number,
  createdAt: time,
  /** OpenSSH public keys, one line each, by name. */
  keys: z.record(name, z.string().check(z.maxLength(1024))),
  roles: z.strictObject({
    root: role,
    site: role,
    assign: role,
    head: z.optional(role),
    move: z.optional(role),
  }),
  head: z.optional(z.strictObject({ freshFor: duration })),
  hubs: z.array(z.strictObject({ url: z.string().check(z.regex(/^mqtts?:\/\/[^\s/]+$/)), ca: z.string() })),
  bundles: z.array(delegation),
});

export type Root = z.infer<typeof root>;
export type Role = z.infer<typeof role>;
export type Delegation = z.infer<typeof delegation>;
export type RoleName = keyof Root["roles"];

/** The delegation that decides for a bundle: the longest pattern that matches its name, an exact name before a prefix. */
export function delegationFor(document: Root, bundle: string): Delegation | undefined {
  return document.bundles
    .filter((entry) => matchesPattern(entry.pattern, bundle))
    .toSorted((a, b) => specificity(b.pattern) - specificity(a.pattern))[0];
}

function specificity(pattern: string): number {
  return pattern.endsWith("*") ? pattern.length - 1 : pattern.length + 1;
}

/** What this version knows of a root and does not act on yet; each is refused, none is ignored. */
export function unsupportedInRoot(document: Root): string[] {
  const found: string[] = [];
  if (document.roles.head !== undefined) found.push("/roles/head");
  if (document.roles.move !== undefined) found.push("/roles/move");
  if (document.head !== undefined) found.push("/head");
  return found;
}
