import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rightsFor } from "../../../agent/rights/rights.ts";
import { rightsText } from "../../../agent/rights/text.ts";
import { isMap } from "../../../shared/live.ts";
import { readYamlDocuments } from "../../../shared/node/yaml-document.ts";
import type { Delegation } from "../../../shared/root.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { rootDocument, signedRoot } from "../../support/fleet.ts";

const DEPLOY = join(import.meta.dirname, "../../../deploy/agent-rbac.yaml");

const of = (changes: Partial<Delegation>): Delegation => ({
  pattern: "pos",
  keys: ["pos"],
  threshold: 1,
  epoch: 1,
  namespaces: ["shop"],
  kinds: ["ConfigMap"],
  ...changes,
});

/** Each right as `where group/resource[names] verbs`. */
function rights(...delegations: readonly Delegation[]): string[] {
  return rightsFor(delegations, ["Fleet.example.com"]).objects.flatMap(({ kind, metadata, rules }) =>
    (Array.isArray(rules) ? rules : []).filter(isMap).flatMap(({ apiGroups, resources, resourceNames, verbs }) => {
      const where = kind === "ClusterRole" ? "cluster" : String(metadata["namespace"]);
      const names = resourceNames === undefined ? "" : `[${String(resourceNames)}]`;
      return (resources as string[]).map((each) => `${where} ${String(apiGroups)}/${each}${names} ${String(verbs)}`);
    }),
  );
}

const KEEPS = "get,list,watch,create,patch,delete";
const OWN = [
  "cluster /nodes get,list",
  "skerry-system /secrets[skerry-site] get,list,watch,create,patch",
  "skerry-system coordination.k8s.io/leases[skerry-hold] get,list,watch",
];

describe("what an agent may do", () => {
  it("is its own marks, keys and hold, its nodes' images, and nothing else where nothing is delegated", () => {
    expect(rights()).toEqual(OWN);
  });

  it("is what is delegated, in the namespaces where it is", () => {
    expect(
      rights(
        of({ kinds: ["ConfigMap", "NetworkPolicy.networking.k8s.io"] }),
        of({ pattern: "base", kinds: ["Till.example.com"] }),
      ),
    ).toEqual([
      OWN[0],
      `shop /configmaps ${KEEPS}`,
      `shop networking.k8s.io/networkpolicies ${KEEPS}`,
      `shop example.com/tills ${KEEPS}`,
      ...OWN.slice(1),
    ]);
  });

  it("is never the whole of Kubernetes: a wildcard means what bundles bring, without subresources and kinds of power", () => {
    const found = rights(of({ kinds: ["*"] }));
    expect(found.filter((right) => right.includes("*"))).toEqual([]);
    expect(found).toContain(`shop apps/deployments ${KEEPS}`);
    expect(found.join("\n")).not.toMatch(/rbac|admission|certificates|apiregistration|\/pods\//);
    expect(rights(of({ kinds: ["*.rbac.authorization.k8s.io"] }))).toEqual(OWN);
    expect(rights(of({ kinds: ["*.example.com"] }))).toContain(`shop example.com/* ${KEEPS}`);
  });

  it("lets it make and delete the namespaces that are named, and watch the others", () => {
    expect(rights(of({ kinds: ["Namespace"], namespaces: ["shop", "bar"] }))).toEqual([
      OWN[0],
      "cluster /namespaces list,watch",
      "cluster /namespaces[shop,bar] get,create,patch,delete",
      ...OWN.slice(1),
    ]);
  });

  it("is cluster-wide for what no namespace holds, and where the root names namespaces by a pattern, which it says", () => {
    const wide = of({
      kinds: ["PriorityClass.scheduling.k8s.io", "Fleet.example.com", "Secret"],
      namespaces: ["shop-*"],
    });
    expect(rights(wide)).toEqual([
      OWN[0],
      `cluster scheduling.k8s.io/priorityclasses ${KEEPS}`,
      `cluster example.com/fleets ${KEEPS}`,
      `cluster /secrets ${KEEPS}`,
      ...OWN.slice(1),
    ]);
    expect(rightsFor([wide], []).notes.join()).toContain("granted in every namespace");
  });

  it("says what Kubernetes asks of whoever grants rights", () => {
    const { notes } = rightsFor([of({ kinds: ["Role.rbac.authorization.k8s.io"] })], []);
    expect(notes.join()).toContain("escalate and bind");
  });
});

describe("skerry-agent rbac", () => {
  const root = signedRoot({
    bundles: [
      of({ kinds: ["Namespace", "ConfigMap", "Secret", "Service", "ServiceAccount", "Deployment.apps", "Job.batch"] }),
      of({ pattern: "base*", namespaces: ["monitoring"], kinds: ["ConfigMap", "DaemonSet.apps"] }),
    ],
  });

  it("writes what is in deploy/agent-rbac.yaml, which reads as the objects it says", () => {
    const file = fileInFolder("1.json");
    writeFileSync(file, root.body);
    const program = join(import.meta.dirname, "../../../agent/main.ts");
    const out = execFileSync(process.execPath, [program, "rbac", "--root", file, "--bundles", "pos"]).toString();
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(DEPLOY, out);
    expect(out).toBe(readFileSync(DEPLOY, "utf8"));
    const objects = readYamlDocuments(out, "rbac").map(({ value }) => value);
    const delegations = JSON.parse(Buffer.from(root.body).toString()).bundles as Delegation[];
    expect(objects).toEqual(rightsFor(delegations.slice(0, 1), []).objects);
  });

  it("is text of one shape for any names", () => {
    const odd = rightsFor([of({ namespaces: ["1", "true"], kinds: ["*.example.com"] })], []);
    expect(
      readYamlDocuments(rightsText(odd, `root ${rootDocument().number}`), "rbac").map(({ value }) => value),
    ).toEqual(odd.objects);
  });
});
