import * as z from "zod/mini";
import { distinct } from "./distinct.ts";
import { duration, matchesPattern, milliseconds, name, namePattern, number, time } from "./names.ts";

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

/** The agent's own home: never delegated by a wildcard. */
export const AGENT_NAMESPACE = "skerry-system";

/** Kinds that give power over the cluster, and so over the agent: a wildcard never means them. */
export const POWERFUL_KIND =
  /\.(?:rbac\.authorization\.k8s\.io|admissionregistration\.k8s\.io|apiregistration\.k8s\.io|certificates\.k8s\.io)$/;

const document = z.strictObject({
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
  /** How old the newest head may be before news counts as withheld. */
  head: z.optional(
    z.strictObject({
      freshFor: duration.check(z.refine((text) => milliseconds(text) > 0, "must be longer than zero")),
    }),
  ),
  hubs: z
    .array(z.strictObject({ url: z.string().check(z.regex(/^mqtts?:\/\/[^\s/]+$/)), ca: z.string() }))
    .check(distinct<{ url: string }>("hub", (hub) => hub.url)),
  bundles: z.array(delegation).check(distinct<{ pattern: string }>("delegation of", (entry) => entry.pattern)),
});

export const root = document.check(
  z.check(({ value, issues }) => {
    if ((value.roles.head === undefined) === (value.head === undefined)) return;
    const message = "the role head and head.freshFor (how old a head may be) go together";
    issues.push({ code: "custom", input: value, path: ["head"], message });
  }),
);

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

/**
 * Whoever may sign here can take the agent over, and with it everything: by its own home, or by kinds that give out rights over the
 * cluster. One signature is not enough for that.
 */
export function needsTwo({ namespaces, kinds }: Delegation): boolean {
  return (
    namespaces.includes(AGENT_NAMESPACE) || kinds.some((kind) => !kind.startsWith("*") && POWERFUL_KIND.test(kind))
  );
}
