import * as z from "zod/mini";
import { type Bundle, bundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { duration, name, number, percent, type Selector, selector, version } from "../../shared/names.ts";
import { namingNearest } from "../../shared/node/config-file.ts";
import { readYamlPlaced } from "../../shared/node/yaml.ts";

const { scope, requires, variables, phases, recreate, hold, checks, minAgent, health, drift, prune } = bundle.shape;

/** `bundles/<name>/bundle.yaml`: what a person writes. Parts that the manifest has too are of the manifest's shape. */
const bundleSource = z.strictObject({
  kind: z.literal("BundleSource/v1"),
  name,
  version,
  /** Left out where `remove` is true. */
  content: z.optional(
    z.strictObject({
      manifests: z.optional(z.string()),
      kustomize: z.optional(z.string()),
      helm: z.optional(z.string()),
      values: z.optional(z.string()),
      namespace: z.optional(name),
    }),
  ),
  scope,
  variables,
  overlays: z.optional(z.array(z.strictObject({ sites: selector, patch: z.string() }))),
  /** Paths of files that SOPS encrypted; `*` stands for a part of a name. */
  secrets: z.optional(z.array(z.string().check(z.regex(/^[A-Za-z0-9_*][A-Za-z0-9_.*/-]*$/)))),
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
  /** `namespace/name`, or a name in whichever namespace. */
  plainSecrets: z.optional(z.array(z.string().check(z.regex(/^(?:[a-z0-9-]+\/)?[a-z0-9.-]+$/)))),
  checks,
});

type Written = z.infer<typeof bundleSource>;

/** Where the objects come from; folders are below that of bundle.yaml. `nothing`: the version that takes the bundle away. */
export type Content =
  | { by: "manifests" | "kustomize"; folder: string }
  | { by: "helm"; chart: string; values: string | undefined; namespace: string }
  | { by: "nothing" };

export interface BundleSource {
  name: string;
  version: string;
  content: Content;
  /** Patch files below the folder of bundle.yaml, in the order in which they are applied. */
  overlays: readonly { sites: Selector; patch: string }[];
  /** Files below the folder of bundle.yaml, with `*` for any part of a name. */
  secrets: readonly string[];
  plainSecrets: readonly string[];
  floor: string;
  from: string | undefined;
  /** Left out: the delegation's. */
  epoch: number | undefined;
  /** What goes into the manifest as it stands. */
  policy: Policy;
  /** `file:line /pointer`. */
  where(pointer: string): string;
}

type Policy = Pick<
  Bundle,
  | "scope"
  | "health"
  | "drift"
  | "prune"
  | "requires"
  | "variables"
  | "checks"
  | "minAgent"
  | "remove"
  | "recreate"
  | "hold"
  | "phases"
>;

/** Throws `schema`, `malformed`, or `unsupported` for what the format knows and this version does not do, with file and line. */
export function readBundleSource(text: string, file: string): BundleSource {
  const { value, where } = namingNearest(bundleSource, () => readYamlPlaced(text, file, bundleSource));
  const { requires, variables, checks, minAgent, remove, hold, recreate, phases, drift } = value;
  const policy = {
    scope: value.scope,
    health: {
      holdFor: value.health?.holdFor ?? "10s",
      deadline: value.health?.deadline ?? "10m",
      ...(value.health?.rules !== undefined && { rules: value.health.rules }),
    },
    drift: { mode: drift?.mode ?? "correct", ...(drift?.ignore !== undefined && { ignore: drift.ignore }) },
    prune: {
      share: value.prune?.share ?? "50%",
      ...(value.prune?.allow !== undefined && { allow: value.prune.allow }),
    },
    ...Object.fromEntries(
      Object.entries({ requires, variables, checks, minAgent, remove, hold, recreate, phases }).filter(
        ([, part]) => part !== undefined,
      ),
    ),
  };
  return {
    name: value.name,
    version: value.version,
    content: contentOf(value, where),
    overlays: (value.overlays ?? []).map(({ sites, patch }, index) => ({
      sites,
      patch: inside(patch, where(`/overlays/${index}/patch`)),
    })),
    secrets: value.secrets ?? [],
    plainSecrets: value.plainSecrets ?? [],
    floor: value.floor ?? "previous",
    from: value.from,
    epoch: value.epoch,
    policy,
    where,
  };
}

function contentOf({ content = {}, remove = false }: Written, where: BundleSource["where"]): Content {
  const { manifests, kustomize, helm, values, namespace } = content;
  const given = Object.entries({ manifests, kustomize, helm }).filter(([, folder]) => folder !== undefined);
  const refuse = (what: string, pointer: string) => new AppError("schema", what, { where: where(pointer) });
  if (remove) {
    if (Object.keys(content).length === 0) return { by: "nothing" };
    throw refuse("a version that takes the bundle away has no content: leave it out", "/content");
  }
  if (given.length !== 1) throw refuse("must be one of manifests, kustomize and helm, with its folder", "/content");
  if (helm !== undefined) {
    if (namespace === undefined) throw refuse("missing: the namespace that the chart is rendered for", "/content/helm");
    const valuesFile = values === undefined ? undefined : inside(values, where("/content/values"));
    return { by: "helm", chart: inside(helm, where("/content/helm")), values: valuesFile, namespace };
  }
  const stray = Object.entries({ values, namespace }).find(([, part]) => part !== undefined);
  if (stray !== undefined) throw refuse("goes with helm only", `/content/${stray[0]}`);
  const by = manifests === undefined ? "kustomize" : "manifests";
  return { by, folder: inside(manifests ?? kustomize ?? "", where(`/content/${by}`)) };
}

/** A path below the folder of bundle.yaml; `.` is that folder itself. */
function inside(text: string, where: string): string {
  const path = text.replace(/^\.\//, "").replace(/\/$/, "");
  if (path === "." || path.split("/").every((part) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(part))) return path;
  throw new AppError("schema", "must be a path below the folder of bundle.yaml, such as `manifests`", { where });
}
