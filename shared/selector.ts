import type { Labels, Selector } from "./names.ts";

/** Kubernetes' label selector semantics: `NotIn` and `DoesNotExist` also match where the label is absent. */
export function selects(selector: Selector, labels: Labels): boolean {
  if (!("matchExpressions" in selector) || !Array.isArray(selector.matchExpressions)) {
    return Object.entries(selector).every(([key, value]) => labels[key] === value);
  }
  const short = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return short && selector.matchExpressions.every((expression) => holds(expression, labels));
}

function holds(
  expression: { key: string; operator: "In" | "NotIn" | "Exists" | "DoesNotExist"; values?: string[] | undefined },
  labels: Labels,
): boolean {
  const value = Object.hasOwn(labels, expression.key) ? labels[expression.key] : undefined;
  const listed = value !== undefined && (expression.values ?? []).includes(value);
  switch (expression.operator) {
    case "In":
      return listed;
    case "NotIn":
      return !listed;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}
