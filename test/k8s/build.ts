import { execFile, spawn } from "node:child_process";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import { AppError } from "../../shared/errors.ts";

export const KUBERNETES_VERSION = "1.36.3";
export const STAGES_FILE = "kwok-stages.yaml";

/** Of kwok's own: nodes that renew their lease; pods that start, complete where a Job owns them, and go at once. */
const STAGES = [
  "node/fast/node-initialize.yaml",
  "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
  "pod/fast/pod-ready.yaml",
  "pod/fast/pod-complete.yaml",
  "pod/fast/pod-delete.yaml",
];

const GO_FOLDER = path.join(import.meta.dirname, "go");
const VERSION_PACKAGE = "k8s.io/component-base/version";
const STAMP = [
  `-X ${VERSION_PACKAGE}.gitVersion=v${KUBERNETES_VERSION}`,
  `-X ${VERSION_PACKAGE}.gitMajor=1`,
  `-X ${VERSION_PACKAGE}.gitMinor=${KUBERNETES_VERSION.split(".")[1]}`,
].join(" ");

export interface Recipe {
  name: string;
  /** Folder under `go/`: the Go module whose go.sum pins what is built. */
  module: string;
  package: string;
  /** Further flags for the linker. */
  stamp: string;
}

/** In this order, because each Kubernetes command reuses what the ones before it compiled. */
export const RECIPES = [
  { name: "etcd", module: "etcd", package: ".", stamp: "" },
  ...["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"].map((name) => {
    return { name, module: "kubernetes", package: `k8s.io/kubernetes/cmd/${name}`, stamp: STAMP };
  }),
  { name: "kwok", module: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok", stamp: "" },
] as const satisfies readonly Recipe[];

/** The files that decide what is built. */
export const BUILD_INPUTS = [
  "etcd/go.mod",
  "etcd/go.sum",
  "etcd/main.go",
  "kubernetes/go.mod",
  "kubernetes/go.sum",
  "kwok/go.mod",
  "kwok/go.sum",
].map((file) => path.join(GO_FOLDER, file));

const run = promisify(execFile);

/**
 * Builds one binary into `folder` under its own name. It appears by a rename when it is whole, so a build that was cut
 * short leaves nothing that looks finished. Throws `AppError` "config" where Go is missing, too old, or fails.
 */
export async function build(recipe: Recipe, folder: string): Promise<void> {
  const cwd = path.join(GO_FOLDER, recipe.module);
  const unfinished = path.join(folder, `.${recipe.name}.${process.pid}`);
  const flags = ["-trimpath", "-buildvcs=false", "-ldflags", `-s -w ${recipe.stamp}`];
  await mkdir(folder, { recursive: true });
  progress(`building ${recipe.name}`);
  const begin = performance.now();
  try {
    await go(["build", ...flags, "-o", unfinished, recipe.package], cwd);
    await rename(unfinished, path.join(folder, recipe.name));
  } finally {
    await rm(unfinished, { force: true });
  }
  progress(`built ${recipe.name} in ${Math.round((performance.now() - begin) / 1000)} s`);
}

/** Writes kwok's stages, taken from the module that its binary was built of, beside that binary. */
export async function writeStages(folder: string): Promise<void> {
  const { stdout } = await run("go", ["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], {
    cwd: path.join(GO_FOLDER, "kwok"),
    env: goEnvironment(),
  });
  const unfinished = path.join(folder, `.${STAGES_FILE}.${process.pid}`);
  const files = STAGES.map((file) => readFile(path.join(stdout.trim(), "kustomize/stage", file), "utf8"));
  await writeFile(unfinished, (await Promise.all(files)).join("---\n"));
  await rename(unfinished, path.join(folder, STAGES_FILE));
}

/** Throws `AppError` "config" unless a Go that can build Kubernetes 1.36 is on the path. */
export async function requireGo(): Promise<void> {
  const fix =
    "install Go 1.26 or newer (https://go.dev/dl), or point KUBEBUILDER_ASSETS at a folder with kube-apiserver, " +
    "etcd and kubectl, or SKERRY_TEST_KUBECONFIG at a cluster's kubeconfig";
  let version: string;
  try {
    // Asked inside the module, so that a Go that fetches newer toolchains by itself answers with the one it will use.
    const answer = await run("go", ["env", "GOVERSION"], { cwd: path.join(GO_FOLDER, "etcd"), env: goEnvironment() });
    version = answer.stdout.trim();
  } catch (cause) {
    throw new AppError("config", `building Kubernetes ${KUBERNETES_VERSION} needs Go`, { fix, cause });
  }
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 26)) return;
  throw new AppError("config", `building Kubernetes ${KUBERNETES_VERSION} needs Go 1.26, this is ${version}`, { fix });
}

export function progress(line: string): void {
  process.stderr.write(`k8s: ${line}\n`);
}

/** A `go.work` or vendor setting of the surroundings must not change what go.sum pins. */
function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: "0", GOWORK: "off" };
}

async function go(args: string[], cwd: string): Promise<void> {
  const child = spawn("go", args, { cwd, env: goEnvironment(), stdio: ["ignore", "ignore", "pipe"] });
  const lines: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => lines.push(text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code === 0) return;
  const tail = lines.join("").trimEnd().split("\n").slice(-20).join("\n");
  throw new AppError("config", `go ${args[0]} failed: ${tail}`, {
    where: cwd,
    fix: "building needs the Go module proxy and 5 GB of disk, once",
  });
}
