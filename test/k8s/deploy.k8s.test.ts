import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import { type KubeObject, refOf } from "../../shared/live.ts";
import { readYamlDocuments } from "../../shared/node/yaml-document.ts";
import { sitesOfThisRun } from "./sites.ts";

const FOLDER = path.join(import.meta.dirname, "../../deploy");

/** The namespaces that the objects are in are made first, and go again where they were not there. */
it("deploy/agent.yaml and agent-rbac.yaml are taken by a real API server, object for object, without a warning", async () => {
  const [site] = await sitesOfThisRun();
  if (site === undefined) throw new Error("a run has sites");
  const kube = await connect({ kubeconfig: site.kubeconfig });
  const objects = ["agent.yaml", "agent-rbac.yaml"].flatMap((name) =>
    readYamlDocuments(readFileSync(path.join(FOLDER, name), "utf8"), name).map(({ value }) => value as KubeObject),
  );
  const refs = objects.map(refOf);
  const namespaces = new Set(refs.map(({ kind, namespace, name }) => (kind === "Namespace" ? name : namespace)));
  const made: KubeObject[] = [];
  try {
    const warnings: string[] = [];
    const apply = async (object: KubeObject, dryRun: boolean) => {
      const applied = await kube.apply(object, { manager: "deploy", force: true, dryRun });
      warnings.push(...applied.warnings);
      return applied;
    };
    for (const name of namespaces) {
      if (name === "") continue;
      const blank: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
      const own = objects.find((object) => object.kind === "Namespace" && object.metadata.name === name);
      const { object, created } = await apply(own ?? blank, false);
      if (created) made.push(object);
    }
    for (const object of objects) await apply(object, true);
    const kinds = ["Namespace", "Deployment", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
    expect(objects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
    expect(warnings).toEqual([]);
  } finally {
    for (const object of made) {
      const ref = refOf(object);
      await kube.remove(ref, { uid: String(object.metadata["uid"]), propagation: "Background" });
      // Whoever comes next may want a namespace of that name.
      await vi.waitUntil(async () => (await kube.get(ref)) === null, { timeout: 60_000, interval: 200 });
    }
    kube.close();
  }
});
