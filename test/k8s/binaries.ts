import { createHash } from "node:crypto";
import { access, constants, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { AppError } from "../../shared/errors.ts";
import {
  BUILD_INPUTS,
  build,
  KUBERNETES_VERSION,
  progress,
  RECIPES,
  requireGo,
  STAGES_FILE,
  writeStages,
} from "./build.ts";

/** Paths of what a control plane runs. */
export interface Binaries {
  apiServer: string;
  etcd: string;
  kubectl: string;
  /** null where the folder lacks one of them: then nothing schedules, runs or cleans up, see `cannotRun`. */
  workloads: WorkloadBinaries | null;
  /** One line for each leg that cannot run with these binaries, with its reason; empty where all can. */
  cannotRun: string[];
}

export interface WorkloadBinaries {
  controllerManager: string;
  scheduler: string;
  kwok: string;
  /** kwok's stages, a YAML file. */
  stages: string;
}

/**
 * Finds a Kubernetes: the folder that KUBEBUILDER_ASSETS names (envtest's convention), else the cache, which it fills
 * with Go where something is missing (minutes, once). Progress goes to stderr. Throws `AppError` "config" where the
 * folder is incomplete, or where there is nothing in the cache and no Go to fill it.
 */
export async function findBinaries(environment: NodeJS.ProcessEnv = process.env): Promise<Binaries> {
  const assets = environment["KUBEBUILDER_ASSETS"];
  if (assets !== undefined && assets !== "") return await fromAssets(assets);
  const folder = path.join(
    environment["SKERRY_CACHE"] ?? path.join(os.homedir(), ".cache", "skerry"),
    `k8s-${KUBERNETES_VERSION}-${await hashOfInputs()}`,
  );
  await fill(folder);
  return { ...core(folder), workloads: workloads(folder), cannotRun: [] };
}

async function fromAssets(folder: string): Promise<Binaries> {
  const found = core(folder);
  for (const file of Object.values(found)) {
    if (await exists(file)) continue;
    throw new AppError("config", `KUBEBUILDER_ASSETS has no ${path.basename(file)}`, {
      where: folder,
      fix: "use a folder with kube-apiserver, etcd and kubectl, or unset KUBEBUILDER_ASSETS to build them with Go",
    });
  }
  const extra = workloads(folder);
  const missing: string[] = [];
  for (const file of Object.values(extra)) if (!(await exists(file))) missing.push(path.basename(file));
  if (missing.length === 0) return { ...found, workloads: extra, cannotRun: [] };
  const because = `KUBEBUILDER_ASSETS has no ${missing.join(", ")}`;
  return {
    ...found,
    workloads: null,
    cannotRun: ["workloads becoming ready", "garbage collection", "namespace deletion"].map(
      (leg) => `${leg}: ${because}`,
    ),
  };
}

async function fill(folder: string): Promise<void> {
  const missing: (typeof RECIPES)[number][] = [];
  for (const recipe of RECIPES) if (!(await exists(path.join(folder, recipe.name)))) missing.push(recipe);
  const stages = await exists(path.join(folder, STAGES_FILE));
  if (missing.length === 0 && stages) return;
  await requireGo();
  progress(`filling ${folder}; from nothing this takes about 8 minutes on 2 cores, once`);
  for (const recipe of missing) await build(recipe, folder);
  if (!stages) await writeStages(folder);
}

function core(folder: string): Pick<Binaries, "apiServer" | "etcd" | "kubectl"> {
  return {
    apiServer: path.join(folder, "kube-apiserver"),
    etcd: path.join(folder, "etcd"),
    kubectl: path.join(folder, "kubectl"),
  };
}

function workloads(folder: string): WorkloadBinaries {
  return {
    controllerManager: path.join(folder, "kube-controller-manager"),
    scheduler: path.join(folder, "kube-scheduler"),
    kwok: path.join(folder, "kwok"),
    stages: path.join(folder, STAGES_FILE),
  };
}

async function hashOfInputs(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of BUILD_INPUTS) hash.update(await readFile(file)).update("\0");
  return hash.digest("hex").slice(0, 12);
}

async function exists(file: string): Promise<boolean> {
  return await access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}
