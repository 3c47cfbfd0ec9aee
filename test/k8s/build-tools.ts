import { createHash } from "node:crypto";
import { access, constants, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { inWords } from "../../shared/errors.ts";
import { build, progress, type Recipe, requireGo } from "./build.ts";

/** What `skerry bundle build` runs, from source: a cache folder of their own, so that Kubernetes is not built anew with them. */
const RECIPES: readonly Recipe[] = [
  {
    name: "kustomize",
    module: "kustomize",
    package: "sigs.k8s.io/kustomize/kustomize/v5",
    stamp: "-X sigs.k8s.io/kustomize/api/provenance.version=v5.8.2",
  },
  {
    name: "helm",
    module: "helm",
    package: "helm.sh/helm/v4/cmd/helm",
    stamp: "-X helm.sh/helm/v4/internal/version.version=v4.3.1",
  },
];

/** A folder with `kustomize` and `helm`, built once with Go (two minutes) into the cache; why not, where there is no Go. */
export async function findBuildTools(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ folder: string } | { cannotRun: string }> {
  const cache = environment["SKERRY_CACHE"] ?? path.join(os.homedir(), ".cache", "skerry");
  const folder = path.join(cache, `tools-${await hashOfInputs()}`);
  const missing: Recipe[] = [];
  for (const recipe of RECIPES) if (!(await exists(path.join(folder, recipe.name)))) missing.push(recipe);
  if (missing.length === 0) return { folder };
  const cannotRun = await requireGo().then(
    () => null,
    (error: unknown) => inWords(error),
  );
  if (cannotRun !== null) return { cannotRun };
  progress(`filling ${folder}; from nothing this takes about 2 minutes on 2 cores, once`);
  for (const recipe of missing) await build(recipe, folder);
  return { folder };
}

async function hashOfInputs(): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(RECIPES));
  for (const { module } of RECIPES) {
    for (const file of ["go.mod", "go.sum"]) {
      hash.update(await readFile(path.join(import.meta.dirname, "go", module, file))).update("\0");
    }
  }
  return hash.digest("hex").slice(0, 12);
}

async function exists(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
