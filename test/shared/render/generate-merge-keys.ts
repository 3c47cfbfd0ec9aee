import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes `shared/render/merge-keys.ts` from the OpenAPI document of a Kubernetes release:
 * `node test/shared/render/generate-merge-keys.ts .../k8s.io/kubernetes@v1.36.3/api/openapi-spec/swagger.json && biome format --write
 * shared/render/merge-keys.ts`. Statuses are left out: no bundle asks for one.
 */
interface Schema {
  $ref?: string;
  type?: string;
  items?: Schema;
  additionalProperties?: Schema;
  properties?: Record<string, Schema>;
  "x-kubernetes-patch-strategy"?: string;
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

/** kubectl knows none of these by their Go types, and so refuses to merge them strategically. */
const NOT_BUILT_IN = new Set(["apiextensions.k8s.io", "apiregistration.k8s.io"]);

const [source = ""] = process.argv.slice(2);
const document = JSON.parse(readFileSync(source, "utf8")) as {
  definitions: Record<string, Schema>;
};
const { definitions } = document;
const release = /kubernetes@(v[\d.]+)/.exec(source)?.[1] ?? "an unknown release";
const kinds = new Map<string, Set<string>>();
const types = new Map<string, Record<string, string>>();

for (const [name, schema] of Object.entries(definitions)) {
  const [own, ...others] = schema["x-kubernetes-group-version-kind"] ?? [];
  // DeleteOptions and the like exist in every group; lists are no objects of their own.
  if (own === undefined || others.length > 0 || NOT_BUILT_IN.has(own.group) || own.kind.endsWith("List")) continue;
  const apiVersion = own.group === "" ? own.version : `${own.group}/${own.version}`;
  kinds.set(apiVersion, (kinds.get(apiVersion) ?? new Set()).add(own.kind));
  reach(name, new Map());
}
reach("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", new Map());

/** The short name of a type from which a rule can be reached; "" for others. */
function reach(name: string, above: Map<string, string>): string {
  const short = name.split(".").at(-1) ?? "";
  if (short.endsWith("Status") || above.has(name)) return "";
  const fields: Record<string, string> = {};
  for (const [field, property] of Object.entries(definitions[name]?.properties ?? {})) {
    if (field === "metadata") continue;
    const target = (property.$ref ?? property.items?.$ref ?? property.additionalProperties?.$ref ?? "")
      .split("/")
      .at(-1);
    const type = target === undefined || target === "" ? "" : reach(target, new Map(above).set(name, short));
    const strategy = (property["x-kubernetes-patch-strategy"] ?? "").split(",").find((each) => each !== "retainKeys");
    const key = property["x-kubernetes-patch-merge-key"] ?? "";
    const rule = `${strategy ?? ""}:${key}:${type}`;
    if (rule !== "::") fields[field] = rule;
  }
  if (Object.keys(fields).length === 0) return "";
  const twin = types.get(short);
  if (twin !== undefined && JSON.stringify(twin) !== JSON.stringify(fields)) throw new Error(`two types ${short}`);
  types.set(short, fields);
  return short;
}

const sortedEntries = <T>(map: Map<string, T>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
const text = `/**
 * Made by \`test/shared/render/generate-merge-keys.ts\` from the OpenAPI document of Kubernetes ${release}: how a strategic
 * merge patch merges the fields of built-in kinds. A field that is not here is replaced where it is a list, and merged where it is
 * an object. \`metadata\` is an ObjectMeta wherever it stands, and so is not written out.
 */

/** The kinds of each group and version. */
export const BUILT_IN: Readonly<Record<string, string>> = ${JSON.stringify(
  Object.fromEntries(sortedEntries(kinds).map(([version, names]) => [version, [...names].toSorted().join(" ")])),
)};

/** By type, its fields: \`strategy:merge key:type of the member\`, each part empty where there is none. */
export const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = ${JSON.stringify(
  Object.fromEntries(sortedEntries(types)),
)};
`;
writeFileSync(join(import.meta.dirname, "../../../shared/render/merge-keys.ts"), text);
