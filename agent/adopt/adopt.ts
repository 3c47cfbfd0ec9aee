import { inWords } from "../../shared/errors.ts";
import type { Source } from "../../shared/source/source.ts";
import type { Cache } from "../cache/cache.ts";
import { choose } from "./choose.ts";
import type { AdoptAnswer, AdoptRequest } from "./request.ts";

export interface AdoptWorld {
  cache: Cache;
  /** Whether the site record names this bundle. */
  named(bundle: string): boolean;
  /** `(term, number)` of the set in force. */
  assignment(): readonly [number, number] | null;
  open(folder: string): Source;
  visit(source: Source): Promise<void>;
  /** Why this site is held; null where it is not. */
  held(): string | null;
}

/**
 * One act at the site: what lies in a folder is fetched and verified like anything else, and what is newer than all that was committed here
 * is taken, until the hub says something new. What was wrong is in the answer. Throws `storage`.
 */
export async function adopt({ id, folder }: AdoptRequest, world: AdoptWorld): Promise<AdoptAnswer> {
  const { cache } = world;
  const source = world.open(folder);
  try {
    await world.visit(source);
  } catch (error) {
    return { id, failed: true, lines: [inWords(error)] };
  } finally {
    await source.close();
  }
  const against = world.assignment();
  const lines: string[] = [];
  cache.transaction("adopt.keep", () => {
    for (const choice of choose(
      cache.versions().filter(({ bundle }) => world.named(bundle)),
      cache.holds(),
      cache.marks(),
    )) {
      if (choice.take) cache.keepAdoption(choice.bundle, { digest: choice.digest, id, against });
      const words = choice.take ? "is taken up" : "is here or was, and nothing newer lies there";
      lines.push(`${choice.bundle} ${choice.version} ${words}`);
    }
  });
  const held = world.held();
  if (held !== null && lines.length > 0)
    lines.push(`this site is held, and nothing new starts before it is released: ${held}`);
  const refused = cache.refusals().filter((entry) => entry.id.startsWith(`${source.address} `));
  lines.push(...refused.map(({ bundle, code, words }) => `refused: ${bundle} ${code}: ${words}`));
  if (lines.length === 0) lines.push("there is no bundle in it that this site may have");
  return { id, failed: refused.length > 0, lines };
}
