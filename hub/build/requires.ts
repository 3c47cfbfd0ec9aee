import type { Bundle } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { type BundleSource, readBundleSource } from "./bundle-source.ts";
import type { History } from "./history.ts";
import { type BundleFolder, filesAt, readTexts } from "./repository.ts";

/** What a bundle needs, and where that is written. */
interface Needs {
  requires: NonNullable<Bundle["requires"]>;
  where(index: number): string;
}

/**
 * Refuses a bundle that, by way of what it requires, requires itself: no site could ever take one of them first. Looked at are the
 * bundles of the same commit, and of those that it does not have the newest that was published.
 */
export async function checkRequires(
  folder: BundleFolder,
  source: BundleSource,
  historyOf: (name: string) => Promise<History>,
): Promise<void> {
  const own = needsOf(source);
  const circle = await findCircle(source.name, async (name) =>
    name === source.name ? own : await neededBy(name, folder, historyOf),
  );
  if (circle === null) return;
  const first = own.requires.findIndex(({ bundle }) => bundle === circle[0]?.needs);
  const links = circle.map(({ bundle, needs, where }) => `${bundle} requires ${needs} (${where})`);
  throw new AppError("schema", `its requirements go in a circle: ${links.join(", ")}`, {
    where: source.where(`/requires/${first}`),
    fix: "take one of them out: no site could take any of these bundles first",
  });
}

interface Link {
  bundle: string;
  needs: string;
  where: string;
}

/** The way from a bundle back to itself; null where there is none. */
async function findCircle(start: string, needed: (name: string) => Promise<Needs>): Promise<Link[] | null> {
  const seen = new Set<string>();
  const walk = async (bundle: string, way: readonly Link[]): Promise<Link[] | null> => {
    const { requires, where } = await needed(bundle);
    for (const [index, { bundle: needs }] of requires.entries()) {
      const further = [...way, { bundle, needs, where: where(index) }];
      // That it names itself is refused in words of its own.
      if (needs === start) return way.length === 0 ? null : further;
      if (seen.has(needs)) continue;
      seen.add(needs);
      const found = await walk(needs, further);
      if (found !== null) return found;
    }
    return null;
  };
  return walk(start, []);
}

async function neededBy(
  name: string,
  { folder, treeish }: BundleFolder,
  historyOf: (name: string) => Promise<History>,
): Promise<Needs> {
  const file = `bundles/${name}/bundle.yaml`;
  const [found] = await readTexts(folder, await filesAt(folder, treeish, file));
  const source = found === undefined ? null : sourceOf(found.text, file);
  if (source?.name === name) return needsOf(source);
  const newest = (await historyOf(name)).versions[0]?.manifest;
  return { requires: newest?.requires ?? [], where: () => `${name}@${newest?.version}` };
}

function needsOf({ policy, where }: BundleSource): Needs {
  return { requires: policy.requires ?? [], where: (index) => where(`/requires/${index}`) };
}

/** Another bundle that cannot be read is refused where it is built. */
function sourceOf(text: string, file: string): BundleSource | null {
  try {
    return readBundleSource(text, file);
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}
