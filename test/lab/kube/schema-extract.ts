import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { KINDS } from "./kinds.ts";

/**
 * Writes `schema.txt` anew, to standard output, from Git repositories of Kubernetes's own modules:
 *
 *     node test/lab/kube/schema-extract.ts <client-go.git> <api.git> > test/lab/kube/schema.txt
 *
 * client-go holds the structured-merge-diff schema of every kind (`applyconfigurations/internal/internal.go`); the Go
 * structs of `api` tell which optional scalars are no pointers, and so vanish when they are zero.
 */
interface YamlAtom {
  namedType?: string;
  scalar?: string;
  list?: { elementType: YamlAtom; elementRelationship: string; keys?: string[] };
  map?: {
    elementType?: YamlAtom;
    elementRelationship?: string;
    fields?: { name: string; type: YamlAtom; default?: unknown }[];
  };
}

const SCALARS: Record<string, string> = { string: "s", numeric: "n", boolean: "b", untyped: "a" };
const GO_SCALARS = new Set(["string", "bool", "int32", "int64", "int"]);

const [clientGo, api] = process.argv.slice(2);
if (clientGo === undefined || api === undefined) throw new Error("say where client-go.git and api.git are");

function show(repo: string, path: string): string {
  return execFileSync("git", ["-C", repo, "show", `HEAD:${path}`], { encoding: "utf8", maxBuffer: 64 << 20 });
}

const go = show(clientGo, "applyconfigurations/internal/internal.go");
const yaml = go.slice(go.indexOf("YAMLObject(`") + 12, go.lastIndexOf("`)"));
const loaded = load(yaml) as { types: ({ name: string } & YamlAtom)[] };
const types = new Map(loaded.types.map((type) => [type.name, type]));

/** `core.v1.Container` of the Go struct or the schema's long name. */
function short(name: string): string {
  return name.replace(/^io\.k8s\.(api|apimachinery\.pkg)\./, "").replace(/^apis\.meta\./, "meta.");
}

/** `core.v1.Container.tty`: fields that Go leaves out when they are zero. */
function vanishing(): Set<string> {
  const found = new Set<string>();
  for (const group of new Set(KINDS.map((kind) => String(kind.type).split(".").slice(0, 2).join("/")))) {
    if (group.startsWith("lab/")) continue;
    let struct = "";
    for (const line of show(api as string, `${group}/types.go`).split("\n")) {
      struct = /^type (\w+) struct/.exec(line)?.[1] ?? struct;
      const field = /^\t\w+\s+(\w[\w.]*)\s+`json:"(\w+),omitempty"/.exec(line);
      if (field?.[1] !== undefined && (GO_SCALARS.has(field[1]) || /^[A-Z]/.test(field[1]) || field[1].includes("v1.")))
        found.add(`${group.replace("/", ".")}.${struct}.${field[2]}`);
    }
  }
  return found;
}

const gone = vanishing();
const wanted: string[] = [];

function expression(type: YamlAtom): string {
  if (type.namedType !== undefined) {
    if (type.namedType.startsWith("__")) return type.namedType;
    if (!wanted.includes(type.namedType)) wanted.push(type.namedType);
    return short(type.namedType);
  }
  if (type.list !== undefined && type.scalar !== undefined) return "__untyped_deduced_";
  if (type.list !== undefined) {
    const { elementType, elementRelationship, keys } = type.list;
    const relation = elementRelationship === "atomic" ? "!" : (keys ?? []).map((key) => `;${key}`).join("");
    return `[${expression(elementType)}${relation}]`;
  }
  if (type.map?.elementType !== undefined && type.map.fields === undefined) {
    return `{${expression(type.map.elementType)}${type.map.elementRelationship === "atomic" ? "!" : ""}}`;
  }
  if (type.scalar !== undefined) return SCALARS[type.scalar] ?? "a";
  throw new Error(`no notation for ${JSON.stringify(type)}`);
}

function wrap(head: string, words: string[]): string {
  const lines = [head];
  for (const word of words) {
    const last = lines[lines.length - 1] ?? "";
    if (lines.length > 1 && last.length + word.length < 118) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines.join("\n");
}

const lines: string[] = [];
for (const kind of KINDS) {
  const namedType = `io.k8s.api.${String(kind.type)}`;
  if (types.has(namedType)) expression({ namedType });
}
for (const name of wanted) {
  const type = types.get(name);
  if (type === undefined) throw new Error(`no type ${name}`);
  const fields = type.map?.fields;
  if (fields === undefined) {
    lines.push(`${short(name)} = ${expression(type)}`);
    continue;
  }
  const words = fields.map((field) => {
    const text = expression(field.type);
    const keyDefault =
      typeof field.default === "string" || typeof field.default === "number" ? field.default : undefined;
    const tail = keyDefault === undefined || keyDefault === "" || /\s/.test(String(keyDefault)) ? "" : `=${keyDefault}`;
    return `${field.name}:${text}${/^[snb]$/.test(text) && gone.has(`${short(name)}.${field.name}`) ? "~" : ""}${tail}`;
  });
  lines.push(wrap(`${short(name)}${type.map?.elementRelationship === "atomic" ? " !" : ""}`, words));
}
const head = readFileSync(new URL("schema-head.txt", import.meta.url), "utf8");
process.stdout.write(`${head}${lines.join("\n")}\n`);
