import type { Json, KubeObject } from "../../shared/live.ts";
import type { Rights } from "./rights.ts";

/** As `kubectl apply -f -` takes it, with the notes as comments. */
export function rightsText({ objects, notes }: Rights, from: string): string {
  const head = [`# The rights of a site's agent, and no more: made by \`skerry-agent rbac\` from ${from}.`];
  return `${[...head, ...notes.map((note) => `# ${note}`)].join("\n")}\n${objects.map(documentOf).join("---\n")}`;
}

function documentOf({ rules, ...object }: KubeObject): string {
  const lines = Object.entries(object).map(([key, value]) => `${key}: ${flow(value)}\n`);
  if (!Array.isArray(rules)) return lines.join("");
  const written = rules.map((rule) =>
    Object.entries(rule as object).map(([key, value], at) => `${at === 0 ? "  - " : "    "}${key}: ${flow(value)}\n`),
  );
  return `${lines.join("")}rules:\n${written.flat().join("")}`;
}

function flow(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${flow(inner)}`)
      .join(", ")} }`;
  }
  const isPlain = typeof value === "string" && /^[a-z][A-Za-z0-9./-]*$/i.test(value) && !OTHERWISE.test(value);
  return isPlain ? value : JSON.stringify(value);
}

/** Words that some reader of YAML takes for something else than text. */
const OTHERWISE = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
