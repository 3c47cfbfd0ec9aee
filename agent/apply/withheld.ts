import { entriesOf, type FieldPath, isOurs, keyOf, leavesOf, pathTo, type Spot } from "../../shared/fields.ts";
import { isMap, type Json, type KubeObject } from "../../shared/live.ts";

/**
 * The object as it is sent to a live one: without what is another's to keep. That is a number that was set through `/scale`, and what the
 * bundle ignores and somebody else has by now; while nobody took an ignored field, it is ours and follows the bundle. The same object where there
 * is nothing of either.
 */
export function withheld(desired: KubeObject, live: KubeObject, ignored: readonly Spot[]): KubeObject {
  const entries = entriesOf(live);
  const ours = entries.find(isOurs)?.fields ?? {};
  const scaled = entries.filter(({ subresource }) => subresource === "scale").flatMap(({ fields }) => leavesOf(fields));
  const given = ignored.filter((spot) => pathTo(ours, spot) === null).map(pathOf);
  const paths = [...scaled.filter((path) => path[0] === "f:spec"), ...given];
  return paths.length === 0 ? desired : (cut(desired, paths) as KubeObject);
}

function pathOf(spot: Spot): FieldPath {
  return spot.map((step) => (typeof step === "string" ? `f:${step}` : `v:${JSON.stringify(step.item)}`));
}

/** Without these paths, and without what held nothing else. */
function cut(value: Json, paths: readonly FieldPath[]): Json | undefined {
  if (paths.some((path) => path.length === 0)) return undefined;
  if (paths.length === 0) return value;
  const inside = (names: (key: string) => boolean) =>
    paths.flatMap(([key = "", ...rest]) => (names(key) ? [rest] : []));
  if (Array.isArray(value)) {
    return value.flatMap(
      (item) =>
        cut(
          item,
          inside((key) => keyOf({ [key]: {} }, { item }) !== undefined),
        ) ?? [],
    );
  }
  if (!isMap(value)) return value;
  const left = Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
    const kept = cut(
      inner,
      inside((key) => key === `f:${name}`),
    );
    return kept === undefined ? [] : [[name, kept]];
  });
  return left.length === 0 && Object.keys(value).length > 0 ? undefined : Object.fromEntries(left);
}
