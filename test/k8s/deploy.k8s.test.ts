import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import { type KubeObject, refOf } from "../../shared/live.ts";
import { readYamlDocuments } from "../../shared/node/yaml-document.ts";
import { sitesOfThisRun } from "./sites.ts";

const FOLDER = path.join(import.meta.dirname, "../../deploy");

/** The namespaces that its objects are in or that it brings are made first, and go again where they were not there. */
it.each([
  ["agent.yaml", ["Namespace", "Deployment"]],
  ["agent-rbac.yaml", ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]],
])("deploy/%s is taken by a real API server, object for object, without a warning", async (name, kinds) => {
  const [site] = await sitesOfThisRun();
  if (site === undefined) throw new Error("a run has sites");
  const kube = await connect({ kubeconfig: site.kubeconfig });
  const objects = readYamlDocuments(readFileSync(path.join(FOLDER, name), "utf8"), name).map(
    ({ value }) => value as KubeObject,
  );
  const namespaces = new Set(
    objects.map(refOf).map(({ kind, namespace, name }) => (kind === "Namespace" ? name : namespace)),
  );
  const made: KubeObject[] = [];
  try {
    const warnings: string[] = [];
    const apply = async (object: KubeObject, dryRun: boolean) => {
      const applied = await kube.apply(object, { manager: "deploy", force: true, dryRun });
      warnings.push(...applied.warnings);
      return applied;
    };
    for (const each of namespaces) {
      if (each === "") continue;
      const own = objects.find((object) => object.kind === "Namespace" && object.metadata.name === each);
      const { object, created } = await apply(
        own ?? { apiVersion: "v1", kind: "Namespace", metadata: { name: each } },
        false,
      );
      if (created) made.push(object);
    }
    for (const object of objects) await apply(object, true);
    expect(objects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
    expect(warnings).toEqual([]);
  } finally {
    for (const object of made) {
      await kube.remove(refOf(object), { uid: String(object.metadata["uid"]), propagation: "Background" });
    }
    kube.close();
  }
});
