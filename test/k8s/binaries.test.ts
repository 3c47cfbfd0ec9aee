import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findBinaries } from "./binaries.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "skerry-binaries-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function put(...names: string[]): Promise<void> {
  for (const name of names) await writeFile(path.join(folder, name), "");
}

test("a folder as envtest has it: no workloads, and the legs that cannot run are named with the reason", async () => {
  await put("kube-apiserver", "etcd", "kubectl");
  const binaries = await findBinaries({ KUBEBUILDER_ASSETS: folder });
  expect(binaries.apiServer).toBe(path.join(folder, "kube-apiserver"));
  expect(binaries.workloads).toBeNull();
  const because = "KUBEBUILDER_ASSETS has no kube-controller-manager, kube-scheduler, kwok, kwok-stages.yaml";
  expect(binaries.cannotRun).toEqual([
    `workloads becoming ready: ${because}`,
    `garbage collection: ${because}`,
    `namespace deletion: ${because}`,
  ]);
});

test("a folder with everything runs everything", async () => {
  await put(
    "kube-apiserver",
    "etcd",
    "kubectl",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    "kwok-stages.yaml",
  );
  const binaries = await findBinaries({ KUBEBUILDER_ASSETS: folder });
  expect(binaries.workloads?.kwok).toBe(path.join(folder, "kwok"));
  expect(binaries.cannotRun).toEqual([]);
});

test("a folder that was asked for and lacks a binary is refused, not passed over", async () => {
  await put("kube-apiserver", "kubectl");
  await expect(findBinaries({ KUBEBUILDER_ASSETS: folder })).rejects.toMatchObject({
    code: "config",
    message: "KUBEBUILDER_ASSETS has no etcd",
    where: folder,
  });
});

test("an empty cache without Go says what to install", async () => {
  vi.stubEnv("PATH", folder);
  await expect(findBinaries({ SKERRY_CACHE: folder })).rejects.toMatchObject({
    code: "config",
    message: "building Kubernetes 1.36.3 needs Go",
    fix: expect.stringContaining("install Go 1.26 or newer"),
  });
});

test("an empty cache with a Go that is too old says so", async () => {
  await writeFile(path.join(folder, "go"), "#!/bin/sh\necho go1.25.4\n", { mode: 0o755 });
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"]}`);
  await expect(findBinaries({ SKERRY_CACHE: folder })).rejects.toMatchObject({
    code: "config",
    message: "building Kubernetes 1.36.3 needs Go 1.26, this is go1.25.4",
  });
});
