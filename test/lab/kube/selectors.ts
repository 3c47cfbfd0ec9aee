import type { KubeObject } from "../../../shared/live.ts";
import { isMap } from "./schema.ts";
import { badRequest, notImplemented } from "./status.ts";

export type Match = (object: KubeObject) => boolean;

export function labelsOf(object: KubeObject): Record<string, string> {
  const labels = object.metadata["labels"];
  if (!isMap(labels)) return {};
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]));
}

/**
 * A label selector as text: `a=b,c!=d,e in (x,y),f notin (z),g,!h`. Refuses what it cannot read with 400.
 * After apimachinery `labels/selector.go`; the integer comparisons are not done.
 */
export function labelSelector(text: string): Match {
  const terms = text.match(/[^,(]+(\([^)]*\))?/g) ?? [];
  const matches = terms.map((term) => term.trim()).map(labelTerm);
  return (object) => {
    const labels = labelsOf(object);
    return matches.every((match) => match(labels));
  };
}

const KEY = "([A-Za-z0-9][A-Za-z0-9_./-]*)";

function labelTerm(term: string): (labels: Record<string, string>) => boolean {
  const set = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^)]*)\\)$`).exec(term);
  if (set?.[1] !== undefined && set[3] !== undefined) {
    const key = set[1];
    const values = new Set(set[3].split(",").map((value) => value.trim()));
    const isIn = (labels: Record<string, string>): boolean => values.has(labels[key] ?? "");
    if (set[2] === "in") return (labels) => labels[key] !== undefined && isIn(labels);
    return (labels) => labels[key] === undefined || !isIn(labels);
  }
  const equal = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*([A-Za-z0-9_.-]*)$`).exec(term);
  if (equal?.[1] !== undefined) {
    const [, key, operator, value] = equal as unknown as [string, string, string, string];
    return operator === "!=" ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const exists = new RegExp(`^(!?)\\s*${KEY}$`).exec(term);
  if (exists?.[2] === undefined) throw badRequest(`unable to parse requirement: ${JSON.stringify(term)}`);
  const key = exists[2];
  return exists[1] === "!" ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
}

/** `metadata.name=x` and `metadata.namespace=x` only. */
export function fieldSelector(text: string): Match {
  const matches = text.split(",").map((term): Match => {
    const [, field, operator, value] = /^metadata\.(name|namespace)(==?|!=)(.*)$/.exec(term.trim()) ?? [];
    if (field === undefined) throw notImplemented(`field selector ${JSON.stringify(term)}`);
    const isEqual: Match = (object) => object.metadata[field] === value;
    return operator === "!=" ? (object) => !isEqual(object) : isEqual;
  });
  return (object) => matches.every((match) => match(object));
}

export function selectorsOf(query: URLSearchParams): Match {
  const labels = labelSelector(query.get("labelSelector") ?? "");
  const fields = query.get("fieldSelector") ?? "";
  const matchesFields = fields === "" ? () => true : fieldSelector(fields);
  return (object) => labels(object) && matchesFields(object);
}
