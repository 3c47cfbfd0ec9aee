import type { Json, JsonObject } from "../../../shared/live.ts";
import type { Catalog } from "./catalog.ts";
import { apiVersionOf, type Kind } from "./kinds.ts";

export const VERSION = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.0-skerry-lab",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "none",
  compiler: "none",
  platform: "lab/memory",
};

const VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"];

/** The document at a discovery path, or null where the path is no discovery. */
export function discover(catalog: Catalog, path: string): Json | null {
  const words = path.split("/").filter((word) => word !== "");
  const [root, group, version] = words;
  if (root === "api" && words.length === 1) {
    return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  }
  if (root === "api" && words.length === 2 && group === "v1") return resources(catalog, "", "v1");
  if (root !== "apis") return null;
  if (group === undefined) return { kind: "APIGroupList", apiVersion: "v1", groups: groups(catalog) };
  const known = groups(catalog).find((one) => one["name"] === group);
  if (known === undefined) return null;
  if (version === undefined) return { kind: "APIGroup", apiVersion: "v1", ...known };
  return words.length === 3 && catalog.hasVersion(group, version) ? resources(catalog, group, version) : null;
}

function groups(catalog: Catalog): JsonObject[] {
  const names = [...new Set(catalog.all().map((kind) => kind.group))].filter((name) => name !== "");
  return names.map((name) => {
    const kinds = catalog.all().filter((kind) => kind.group === name);
    const versions = [...new Set(kinds.map((kind) => kind.version))].map((version) => ({
      groupVersion: `${name}/${version}`,
      version,
    }));
    return { name, versions, preferredVersion: versions[0] ?? {} };
  });
}

function resources(catalog: Catalog, group: string, version: string): JsonObject {
  const kinds = catalog.all().filter((kind) => kind.group === group && kind.version === version);
  const groupVersion = apiVersionOf({ group, version });
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: kinds.flatMap(entries) };
}

function entries(kind: Kind): JsonObject[] {
  const { plural: name, namespaced, shortNames } = kind;
  const singularName = kind.kind.toLowerCase();
  const main = { name, singularName, namespaced, kind: kind.kind, verbs: VERBS, shortNames: [...shortNames] };
  const below = (subresource: string, scale: JsonObject = {}): JsonObject => ({
    name: `${name}/${subresource}`,
    singularName: "",
    namespaced,
    kind: kind.kind,
    ...scale,
    verbs: ["get", "patch", "update"],
  });
  const scale = { group: "autoscaling", version: "v1", kind: "Scale" };
  return [main, ...(kind.status ? [below("status")] : []), ...(kind.scale ? [below("scale", scale)] : [])];
}
