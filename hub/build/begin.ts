import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { AppError } from "../../shared/errors.ts";
import type { Journal } from "../../shared/ports.ts";
import { type Delegation, delegationFor, type Root } from "../../shared/root.ts";
import { isUnfinished, readTextOrEmpty, writeWhole } from "./signed-files.ts";

/**
 * Writes a first bundle.yaml and one object, which build as they are. Returns the files. Throws `usage` where the bundle exists: what a
 * start that was cut off left of these files is no bundle.
 */
export async function beginBundle(repository: string, name: string, root: Root, journal: Journal): Promise<string[]> {
  const delegation = delegationFor(root, name);
  if (delegation === undefined) {
    throw new AppError("undelegated", `the root lets nobody sign a bundle named ${name}`, {
      where: `root/${root.number}.json`,
      fix: "add a delegation to the root, or use a name that one covers",
    });
  }
  const folder = join("bundles", name);
  const files = {
    [join(folder, "manifests", "hello.yaml")]: objectYaml(name, namespaceFor(delegation, name)),
    [join(folder, "bundle.yaml")]: bundleYaml(name),
  };
  const [object = "", last = ""] = Object.keys(files);
  const begun = await filesBelow(join(repository, folder));
  const isOurs = begun.every((file) => isUnfinished(file) || join(folder, file) === object);
  const first = await readTextOrEmpty(join(repository, object));
  if (!isOurs || (first !== "" && first !== files[object]))
    throw new AppError("usage", "this bundle is there already", { where: folder });
  for (const file of [object, last]) {
    journal("build.write", "before");
    await writeWhole(join(repository, file), files[file] ?? "");
    journal("build.write", "after");
  }
  return Object.keys(files);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}

function namespaceFor({ namespaces }: Delegation, name: string): string {
  return (namespaces[0] ?? name).replace("*", name);
}

function objectYaml(name: string, namespace: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: ${namespace} }
data: { greeting: hello }
`;
}

function bundleYaml(name: string): string {
  return `kind: BundleSource/v1
name: ${name}
# Raise it with every release: what was published is never replaced.
version: 0.1.0

# Where the objects come from, below this folder. One of:
content: { manifests: manifests }
# content: { kustomize: . }
# content: { helm: chart, values: values.yaml, namespace: ${name} }

# Which sites may run it, by their labels; the first that matches counts. {} is every site.
scope: [{ sites: {} }]
# scope: [{ sites: { ring: lab } }, { sites: { role: store }, after: 24h }]

# All objects must stay healthy for holdFor, and be so before the deadline; otherwise the site goes back.
health: { holdFor: 10s, deadline: 10m }

# What may differ between sites: write \${REPLICAS} in a value of an object.
# variables:
#   REPLICAS: { type: integer, min: 1, max: 5, default: 1, settable: hub }
#   REGION: { label: region }
# overlays: [{ sites: { region: north }, patch: overlays/north.yaml }]

# Rules of your own, checked here and again at each site.
# checks: [{ cel: "object.kind != 'Pod'", message: "no bare pods" }]

# requires: [{ bundle: base, atLeast: 2.1.0 }]
# floor: previous          # the oldest version that a site may go back to: previous, this, or a version
# from: 0.1.0              # the oldest version that a site may come from
# plainSecrets: []         # names of Secrets that may stand in the clear
`;
}
