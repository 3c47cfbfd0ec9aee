import type { Selector } from "../names.ts";
import { selects } from "../selector.ts";

/**
 * Could one site be selected by all of these? Labels are independent of each other, so each key is decided alone: by absence, by a value that some
 * selector names, or by one that none names.
 */
export function couldMeet(selectors: readonly Selector[]): boolean {
  const named = new Map<string, Set<string>>();
  const name = (key: string, values: readonly string[]) => {
    named.set(key, new Set([...(named.get(key) ?? []), ...values]));
  };
  const demands = selectors.flatMap((selector): { key: string; of: Selector }[] => {
    if (!("matchExpressions" in selector) || !Array.isArray(selector.matchExpressions)) {
      return Object.entries(selector).map(([key, value]) => {
        name(key, [String(value)]);
        return { key, of: { [key]: String(value) } };
      });
    }
    const short = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => {
      name(key, [value]);
      return { key, of: { [key]: value } };
    });
    const long = selector.matchExpressions.map((expression) => {
      name(expression.key, expression.values ?? []);
      return { key: expression.key, of: { matchExpressions: [expression] } };
    });
    return [...short, ...long];
  });
  return [...named].every(([key, values]) => {
    const candidates = [...[...values].map((value) => ({ [key]: value })), { [key]: UNNAMED }, {}];
    return candidates.some((labels) => demands.every((demand) => demand.key !== key || selects(demand.of, labels)));
  });
}

/** No label has such a value: it stands for all that no selector names. */
const UNNAMED = "\u0000";
