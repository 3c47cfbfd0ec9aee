import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import type { KubeObject } from "../../shared/live.ts";
import { readYamlDocuments } from "../../shared/node/yaml-document.ts";
import { sitesOfThisRun } from "./sites.ts";

const FILE = path.join(import.meta.dirname, "../../deploy/agent.yaml");

it("deploy/agent.yaml is taken by a real API server, object for object, without a warning", async () => {
  const [site] = await sitesOfThisRun();
  if (site === undefined) throw new Error("a run has sites");
  const kube = await connect({ kubeconfig: site.kubeconfig });
  try {
    const [namespace, ...others] = readYamlDocuments(readFileSync(FILE, "utf8"), "deploy/agent.yaml").map(
      ({ value }) => value as KubeObject,
    );
    if (namespace === undefined) throw new Error("it begins with its namespace");
    const warnings: string[] = [];
    const apply = async (object: KubeObject, dryRun: boolean) => {
      const applied = await kube.apply(object, { manager: "deploy", force: true, dryRun });
      warnings.push(...applied.warnings);
      return applied.object;
    };
    const made = await apply(namespace, false);
    for (const object of others) await apply(object, true);
    const ref = { apiVersion: "v1", kind: "Namespace", namespace: "", name: namespace.metadata.name };
    await kube.remove(ref, { uid: String(made.metadata["uid"]), propagation: "Background" });
    expect(others.map(({ kind }) => kind)).toContain("Deployment");
    expect(warnings).toEqual([]);
  } finally {
    kube.close();
  }
});
