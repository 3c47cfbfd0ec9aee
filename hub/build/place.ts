import type { Bundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { comparePairs, type Pair } from "../../shared/names.ts";
import type { Delegation } from "../../shared/root.ts";
import type { BundleSource } from "./bundle-source.ts";
import type { EarlierVersion, History } from "./history.ts";

type Place = Pick<Bundle, "epoch" | "seq" | "floor" | "prev"> & { from?: Pair };

/** Where the version stands among those published. One that was published before keeps its place, so that it builds the same. */
export function placeOf(source: BundleSource, delegation: Delegation, { versions, earlier }: History): Place {
  const line: readonly EarlierVersion[] = [
    ...versions.map(({ manifest, digest }) => ({ version: manifest.version, pair: pairIn(manifest), digest })),
    ...earlier,
  ];
  const index = line.findIndex(({ version }) => version === source.version);
  const before = line[index + 1];
  const epoch = source.epoch ?? delegation.epoch;
  if (epoch < delegation.epoch) {
    throw new AppError("floor", `epoch ${epoch} is below epoch ${delegation.epoch}, which the root asks for`, {
      where: source.where("/epoch"),
      fix: "leave the key out, or raise it",
    });
  }
  const seq = (before?.pair[1] ?? 0) + 1;
  const own: Pair = [epoch, seq];
  const pairOf = (version: string, pointer: string): Pair => {
    if (version === source.version) return own;
    const found = line.find((each) => each.version === version);
    if (found !== undefined) return found.pair;
    throw new AppError("not-found", `version ${version} of ${source.name} is not among those published`, {
      where: source.where(pointer),
      fix: "`git fetch`, or name a version that was published",
    });
  };
  const previous = before?.pair ?? own;
  const floor = source.floor === "previous" ? previous : source.floor === "this" ? own : pairOf(source.floor, "/floor");
  if (comparePairs(floor, own) > 0) {
    throw new AppError("floor", `floor ${floor.join(".")} is above this version's ${own.join(".")}`, {
      where: source.where("/floor"),
    });
  }
  const place = { epoch, seq, floor, prev: before?.digest ?? null };
  if (source.from === undefined) return place;
  const from = pairOf(source.from, "/from");
  if (comparePairs(from, own) < 0) return { ...place, from };
  throw new AppError("schema", `from ${from.join(".")} is not before this version's ${own.join(".")}`, {
    where: source.where("/from"),
    fix: "name the oldest version that a site may come from",
  });
}

function pairIn(manifest: Bundle): Pair {
  return [manifest.epoch, manifest.seq];
}
