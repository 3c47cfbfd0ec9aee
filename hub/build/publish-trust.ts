import type { Fleet } from "./fleet.ts";
import { gitLine } from "./git.ts";
import { type Document, filesOf, type LeftOut, standing, trustDocuments } from "./publish-documents.ts";
import { branchHead, filesAt, type Repository, readBlobs } from "./repository.ts";
import { type BranchUpdate, type TreeFile, writeBlobs, writeCommit, writeTree } from "./tree.ts";

/** Branches `trust` and `sites-<h>` as they have to become. What is published stays; what is not signed enough is left out. */
export async function trustUpdates(
  repository: Repository,
  fleet: Fleet,
): Promise<{ updates: BranchUpdate[]; leftOut: LeftOut }> {
  const { branches, leftOut } = await trustDocuments(repository.folder, fleet);
  const updates: BranchUpdate[] = [];
  for (const [branch, documents] of branches) {
    const update = await branchUpdate(repository, branch, documents);
    if (update !== null) updates.push(update);
  }
  return { updates, leftOut };
}

async function branchUpdate(
  repository: Repository,
  branch: string,
  documents: readonly Document[],
): Promise<BranchUpdate | null> {
  const { folder } = repository;
  const head = await branchHead(repository, branch);
  const published = head === null ? [] : await filesAt(folder, head, ".");
  const next = new Map(published.map(({ path, oid }) => [path, oid]));
  const known = documents.flatMap(({ path }) => next.get(path) ?? []);
  const bodies = new Map((await readBlobs(folder, known)).map((body, index) => [known[index] ?? "", body]));
  const compared = documents.map((document) => standing(document, bodies.get(next.get(document.path) ?? "") ?? null));
  const taken = documents.filter((_, index) => compared[index] !== "stays");
  for (const path of documents.filter((_, index) => compared[index] === "replaced").map((each) => `${each.path}.`)) {
    for (const old of [...next.keys()].filter((each) => each.startsWith(path))) next.delete(old);
  }
  const files = taken.flatMap(filesOf);
  const oids = await writeBlobs(
    folder,
    files.map(({ bytes }) => bytes),
  );
  files.forEach(({ path }, index) => next.set(path, oids[index] ?? ""));
  const tree = await writeTree(
    folder,
    [...next].map(([path, oid]): TreeFile => ({ path, oid })),
  );
  if (head !== null && tree === (await gitLine(folder, ["rev-parse", `${head}^{tree}`]))) return null;
  const at = `${repository.committedAt} +0000`;
  const commit = await writeCommit(folder, { tree, parent: head, message: `${branch}: ${documents.length}`, at });
  return { branch, commit, expected: head };
}
