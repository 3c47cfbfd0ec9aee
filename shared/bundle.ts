import * as z from "zod/mini";
import { distinct } from "./distinct.ts";
import {
  count,
  duration,
  milliseconds,
  name,
  number,
  pair,
  percent,
  selector,
  sha256,
  time,
  variableName,
  version,
} from "./names.ts";
import { parseSemver } from "./semver.ts";
import { variable } from "./variable.ts";

/** `skerry-bundle@v1`: the signed, immutable, versioned unit. Its digest is the SHA-256 of these exact bytes. */

export const BUNDLE_NAMESPACE = "skerry-bundle@v1";
export const BUNDLE_MAX_BYTES = 8 * 1024 * 1024;
export const FILE_MAX_BYTES = 1536 * 1024;

/** Picks objects; a key that is left out matches all. */
const objects = z.strictObject({
  apiVersion: z.optional(z.string()),
  kind: z.optional(z.string()),
  namespace: z.optional(z.string()),
  name: z.optional(z.string()),
});

/** A JSON pointer into an object as it is rendered; never to the label by which an object is ours. */
const pointer = z.string().check(
  z.refine((text) => /^(?:\/(?:[^~/]|~[01])*)+$/.test(text), "must be a JSON pointer, such as /spec/replicas"),
  z.refine(
    (text) => !/^\/metadata(?:\/labels(?:\/skerry\.dev~1bundle)?)?$/.test(text),
    "covers the label by which an object is ours: name the parts that others may have",
  ),
);

/** Inside the bundle, forward slashes, no `.` or `..`, nothing hidden. */
const path = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/), z.maxLength(240));

/** A version that others are compared with. */
const semver = version.check(
  z.refine((text) => parseSemver(text) !== null, "must be a semantic version, such as 2.1.0 (https://semver.org)"),
);

const manifest = z.strictObject({
  fleet: name,
  name,
  version,
  epoch: number,
  seq: number,
  /** The oldest pair that a site may go back to from here. */
  floor: pair,
  /** The oldest pair that a site may come from. */
  from: z.optional(pair),
  /** Digest of the version before, null for the first. */
  prev: z.nullable(sha256),
  createdAt: time,
  scope: z.array(z.strictObject({ sites: selector, after: z.optional(duration) })).check(z.minLength(1)),
  requires: z.optional(
    z
      .array(z.strictObject({ bundle: name, atLeast: semver }))
      .check(distinct<{ bundle: string }>("requirement of", (entry) => entry.bundle)),
  ),
  /** This version takes the bundle away: it has no files. */
  remove: z.optional(z.boolean()),
  variables: z.optional(z.record(variableName, variable)),
  overlays: z.optional(z.array(z.strictObject({ sites: selector, patch: path, type: z.enum(["strategic", "json"]) }))),
  /** Files that are Secrets as SOPS sealed them. */
  secrets: z.optional(z.array(path).check(distinct<string>("secret", (entry) => entry))),
  /** An object belongs to the first phase that picks it, or comes after all; a phase begins when the one before is healthy. */
  phases: z.optional(
    z
      .array(z.strictObject({ name, objects: z.optional(objects), noReturn: z.optional(z.boolean()) }))
      .check(distinct<{ name: string }>("phase", (entry) => entry.name)),
  ),
  health: z.strictObject({
    /** All objects must stay healthy for this long before the state is committed. */
    holdFor: duration,
    /** From the start of the move; not healthy by then is failed. */
    deadline: duration,
    rules: z.optional(z.array(z.strictObject({ apiVersion: z.string(), kind: z.string(), cel: z.string() }))),
  }),
  drift: z.strictObject({
    mode: z.enum(["correct", "report", "ignore"]),
    /** Parts of objects that stay with whoever takes them. */
    ignore: z.optional(z.array(z.strictObject({ ...objects.shape, paths: z.array(pointer) }))),
  }),
  recreate: z.optional(z.array(objects)),
  /** `share` of its objects may be deleted at once; `allow`: kinds whose deletion loses data, or takes others along. */
  prune: z.strictObject({ share: percent, allow: z.optional(z.array(objects)) }),
  hold: z.optional(z.strictObject({ atMost: duration })),
  checks: z.optional(z.array(z.strictObject({ cel: z.string(), message: z.string() }))),
  images: z.array(
    z.strictObject({
      ref: z.string(),
      digest: z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/)),
      size: z.optional(count),
    }),
  ),
  source: z.strictObject({
    repo: z.string(),
    commit: z.string().check(z.regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/)),
    path: z.string(),
    /** The tools that took part, by name, with the version each said it has. */
    inputs: z.record(z.string(), z.string()),
  }),
  minAgent: z.optional(semver),
  files: z
    .array(z.strictObject({ path, sha256, size: count.check(z.lte(FILE_MAX_BYTES)) }))
    .check(distinct<{ path: string }>("file", (entry) => entry.path)),
});

export const bundle = manifest.check(
  z.check(({ value, issues }) => {
    const refuse = (path: (string | number)[], message: string) =>
      issues.push({ code: "custom", input: value, path, message });
    if (value.remove === true && value.files.length > 0)
      refuse(["files"], "a version that removes its bundle has no files");
    if (value.remove !== true && value.files.length === 0) refuse(["files"], "must have at least one file");
    if (value.requires?.some((entry) => entry.bundle === value.name))
      refuse(["requires"], "a bundle cannot require itself");
    const listed = new Set(value.files.map((file) => file.path));
    for (const [index, { patch }] of (value.overlays ?? []).entries()) {
      if (!listed.has(patch)) refuse(["overlays", index, "patch"], `${patch} is not among the files`);
    }
    const patches = new Set(value.overlays?.map(({ patch }) => patch));
    for (const [index, secret] of (value.secrets ?? []).entries()) {
      if (!listed.has(secret) || patches.has(secret))
        refuse(["secrets", index], `${secret} is not among the files of objects`);
    }
  }),
);

export type Bundle = z.infer<typeof bundle>;
export type BundleFile = Bundle["files"][number];

/** Where the bundle does not say: a day of business, and the night after it. */
const HOLD_AT_MOST = "24h";

/** How long a site may put this version off, ms. */
export function holdAtMost({ hold }: Pick<Bundle, "hold">): number {
  return milliseconds(hold?.atMost ?? HOLD_AT_MOST);
}
