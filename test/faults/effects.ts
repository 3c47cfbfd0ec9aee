import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TREE = join(import.meta.dirname, "../..");

/** Writes that have a journal of their own only where no transaction is open: at every place that calls them one is. */
const INSIDE_OTHERS: ReadonlySet<string> = new Set([
  "cache.completeVersion",
  "cache.dropInventory",
  "cache.keepAdoption",
  "cache.keepAssignment",
  "cache.keepHeld",
  "cache.keepHold",
  "cache.keepInventory",
  "cache.keepManifest",
  "cache.keepPrepared",
  "cache.keepRefusal",
  "cache.raiseMarks",
]);

/** How effects are named where they happen: in the journal's own words, and where a name is put together. */
const NAMED: readonly { in: RegExp; name: RegExp; as?: string }[] = [
  { in: /./, name: /\bjournal\(\s*"([^"]+)"/g },
  { in: /./, name: /\btransaction\(\s*"([^"]+)"/g },
  { in: /^agent\/bundle-cycle\.ts$/, name: /\bmove\([^"]*"(hold\.[a-z-]+)"/g },
  { in: /^agent\/(?:talk|link\/.*)\.ts$/, name: /\bsend\(\s*"([^"]+)"/g, as: "link." },
  { in: /^hub\/loop\.ts$/, name: /\bcommit\("([a-z]+)"/g, as: "store." },
  { in: /^hub\/build\/publish-mirror-folder\.ts$/, name: /#effect\("([^"]+)"/g },
];

/** Every effect that the programs name, from their text. */
export function effectsInTheSources(): Set<string> {
  const found = new Set<string>();
  for (const path of sourceFiles()) {
    const text = readFileSync(join(TREE, path), "utf8");
    for (const { in: where, name, as = "" } of NAMED) {
      if (where.test(path)) for (const [, effect = ""] of text.matchAll(name)) found.add(as + effect);
    }
  }
  return found;
}

/** Effects of the programs at which nothing was killed. */
export function neverTried(places: Iterable<string>): string[] {
  const tried = new Set([...places].map((place) => place.slice(0, place.lastIndexOf(" "))));
  return [...effectsInTheSources()].filter((effect) => !tried.has(effect) && !INSIDE_OTHERS.has(effect)).toSorted();
}

/** Of the programs, by their path in the tree. */
export function sourceFiles(): string[] {
  return ["agent", "hub", "shared"].flatMap((folder) =>
    readdirSync(join(TREE, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.tsx?$/.test(path))
      .map((path) => `${folder}/${path}`),
  );
}
