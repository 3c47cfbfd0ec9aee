import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import type { BundleFolder } from "./repository.ts";
import { filesAt, readBlobs } from "./repository.ts";

/** Where a tool works: the bundle's folder as the commit has it, and a home of its own beside it. Thrown away afterwards. */
export interface Workshop {
  content: string;
  home: string;
}

/**
 * Puts a bundle's folder into a fresh temporary one, blob for blob: no filter, line ending or attribute of this machine takes part.
 * Throws `unsupported` for a symbolic link, which could lead out of it.
 */
export async function inWorkshop<T>(bundle: BundleFolder, work: (workshop: Workshop) => Promise<T>): Promise<T> {
  const { folder, treeish, path } = bundle;
  const files = await filesAt(folder, treeish, `${path}/`);
  const link = files.find(({ mode }) => !mode.startsWith("100"));
  if (link !== undefined) {
    const fix = "commit the file itself";
    throw new AppError("unsupported", "symbolic links are not followed", { where: link.path, fix });
  }
  const blobs = await readBlobs(
    folder,
    files.map(({ oid }) => oid),
  );
  const top = await realpath(await mkdtemp(join(tmpdir(), "skerry-build-")));
  try {
    const workshop = { content: join(top, "content"), home: join(top, "home") };
    await Promise.all([mkdir(workshop.content), mkdir(workshop.home)]);
    for (const [index, file] of files.entries()) {
      const target = join(workshop.content, file.path.slice(path.length + 1));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, blobs[index] ?? "");
    }
    return await work(workshop);
  } finally {
    await rm(top, { recursive: true, force: true });
  }
}
