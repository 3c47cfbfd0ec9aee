import * as z from "zod/mini";
import { type Bundle, bundle, unsupportedInBundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { duration, name, number, percent, selector, version } from "../../shared/names.ts";
import { readYamlPlaced } from "../../shared/node/yaml.ts";

const { scope, requires, variables, phases, recreate, hold, checks, minAgent, health, drift, prune } = bundle.shape;

/** `bundles/<name>/bundle.yaml`: what a person writes. Parts that the manifest has too are of the manifest's shape. */
const bundleSource = z.strictObject({
  kind: z.literal("BundleSource/v1"),
  name,
  version,
  content: z.strictObject({
    manifests: z.optional(z.string()),
    kustomize: z.optional(z.string()),
    helm: z.optional(z.string()),
    values: z.optional(z.string()),
    namespace: z.optional(z.string()),
  }),
  scope,
  variables,
  overlays: z.optional(z.array(z.strictObject({ sites: selector, patch: z.string() }))),
  secrets: z.optional(z.array(z.string())),
  phases,
  health: z.optional(
    z.strictObject({
      holdFor: z.optional(duration),
      deadline: z.optional(duration),
      rules: health.shape.rules,
    }),
  ),
  drift: z.optional(z.strictObject({ mode: z.optional(drift.shape.mode), ignore: drift.shape.ignore })),
  requires,
  recreate,
  prune: z.optional(z.strictObject({ share: z.optional(percent), allow: prune.shape.allow })),
  hold,
  /** `previous`, `this`, or a version. */
  floor: z.optional(version),
  from: z.optional(version),
  epoch: z.optional(number),
  remove: z.optional(z.boolean()),
  minAgent,
  plainSecrets: z.optional(z.array(z.string())),
  checks,
});

export interface BundleSource {
  name: string;
  version: string;
  /** Folder of the manifests, below that of bundle.yaml. */
  manifests: string;
  floor: string;
  /** Left out: the delegation's. */
  epoch: number | undefined;
  /** What goes into the manifest as it stands. */
  policy: Pick<Bundle, "scope" | "health" | "drift" | "prune">;
  /** `file:line /pointer`. */
  where(pointer: string): string;
}

/** Throws `schema`, `malformed`, or `unsupported` for what the format knows and this version does not do, with file and line. */
export function readBundleSource(text: string, file: string): BundleSource {
  const { value, where } = readYamlPlaced(text, file, bundleSource);
  const policy = {
    scope: value.scope,
    health: { holdFor: value.health?.holdFor ?? "10s", deadline: value.health?.deadline ?? "10m" },
    drift: { mode: value.drift?.mode ?? "correct" },
    prune: { share: value.prune?.share ?? "50%" },
  };
  const [unsupported] = [...unsupportedInSource(value), ...unsupportedInBundle(asManifest(value, policy))];
  if (unsupported !== undefined) {
    throw new AppError("unsupported", `this version does not do ${unsupported.slice(1).replaceAll("/", ".")}`, {
      where: where(unsupported),
      fix: "leave that key out",
    });
  }
  if (value.content.manifests === undefined) {
    throw new AppError("schema", "missing: the folder with the manifests", { where: where("/content/manifests") });
  }
  return {
    name: value.name,
    version: value.version,
    manifests: folderName(value.content.manifests, where("/content/manifests")),
    floor: value.floor ?? "previous",
    epoch: value.epoch,
    policy,
    where,
  };
}

function folderName(text: string, where: string): string {
  const name = text.replace(/\/$/, "");
  if (name.split("/").every((part) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(part))) return name;
  throw new AppError("schema", "must be a folder beside bundle.yaml, such as `manifests`", { where });
}

/** Keys that stand in bundle.yaml only. */
function unsupportedInSource({ content, overlays, secrets, plainSecrets }: z.infer<typeof bundleSource>): string[] {
  const { manifests: _, ...others } = content;
  return [
    ...Object.keys(others).map((key) => `/content/${key}`),
    ...((overlays ?? []).length > 0 ? ["/overlays"] : []),
    ...((secrets ?? []).length > 0 ? ["/secrets"] : []),
    ...((plainSecrets ?? []).length > 0 ? ["/plainSecrets"] : []),
  ];
}

/** As a manifest has it, so that one list says what is not done yet. */
function asManifest(source: z.infer<typeof bundleSource>, policy: BundleSource["policy"]): Bundle {
  const { variables, phases, requires, recreate, hold, remove, minAgent, checks } = source;
  return {
    ...policy,
    health: { ...policy.health, rules: source.health?.rules },
    drift: { ...policy.drift, ignore: source.drift?.ignore },
    prune: { ...policy.prune, allow: source.prune?.allow },
    variables,
    phases,
    requires,
    recreate,
    hold,
    remove,
    minAgent,
    checks,
    // Only whether it is there counts here.
    from: source.from === undefined ? undefined : [1, 1],
  } as Bundle;
}
