import { join } from "node:path";
import { AppError, inWords } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { siteRecord } from "../../shared/site.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { openRecord } from "../../shared/verify/record.ts";
import type { Fleet } from "./fleet.ts";
import { gitLine } from "./git.ts";
import { branchHead, filesAt, type Repository, readBlobs } from "./repository.ts";
import { namesIn, readSigned } from "./signed-files.ts";
import { type BranchUpdate, type TreeFile, writeBlobs, writeCommit, writeTree } from "./tree.ts";

/** Documents that are not published, and why: one line each, for the person. */
export type LeftOut = string[];

interface Document {
  /** In the branch and in the repository: `root/1.json`. */
  path: string;
  signed: SignedBytes;
}

/** Branches `trust` and `sites-<h>` as they have to become. What is published stays; what is not signed enough is left out. */
export async function trustUpdates(
  repository: Repository,
  fleet: Fleet,
): Promise<{ updates: BranchUpdate[]; leftOut: LeftOut }> {
  const leftOut: LeftOut = fleet.pending === undefined ? [] : [inWords(fleet.pending)];
  const roots = fleet.documents.map((signed, index) => ({ path: `root/${index + 1}.json`, signed }));
  const branches = new Map<string, Document[]>([["trust", roots]]);
  const names = await namesIn(join(repository.folder, "sites"));
  for (const file of names) {
    const site = /^(.+)\.json$/.exec(file)?.[1];
    const signed = site === undefined ? null : await readSigned(join(repository.folder, "sites", file), names);
    if (site === undefined || signed === null) continue;
    try {
      openRecord(signed, site, fleet.newest);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      leftOut.push(inWords(error));
      continue;
    }
    const branch = recordBranch(sha256Hex(Buffer.from(site)));
    branches.set(branch, [...(branches.get(branch) ?? []), { path: `sites/${file}`, signed }]);
  }
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
  const compared = await Promise.all(
    documents.map((document) => comparedTo(folder, document, next.get(document.path))),
  );
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
  const commit = await writeCommit(folder, { tree, parent: head, subject: `${branch}: ${documents.length}`, at });
  return { branch, commit, expected: head };
}

/** Never an older record, never two contents under one number. What stays the same may gain signatures. */
async function comparedTo(
  folder: string,
  { path, signed }: Document,
  publishedOid: string | undefined,
): Promise<"added" | "replaced" | "stays"> {
  if (publishedOid === undefined) return "added";
  const [published] = await readBlobs(folder, [publishedOid]);
  if (published === undefined || Buffer.compare(published, signed.body) === 0) return "added";
  const [theirs, ours] = [numberOf(published), numberOf(signed.body)];
  if (path.startsWith("sites/") && ours !== theirs) return ours > theirs ? "replaced" : "stays";
  throw new AppError("equivocation", `number ${theirs} is published already, with other content`, {
    where: path,
    fix: "`git pull`; what was published under a number is never replaced",
  });
}

function numberOf(body: Uint8Array): number {
  const result = siteRecord.shape.number.safeParse(JSON.parse(Buffer.from(body).toString())["number"]);
  return result.success ? result.data : 0;
}

function filesOf({ path, signed }: Document): { path: string; bytes: Uint8Array }[] {
  const signatures = [...signed.signatures].map(([key, armored]) => ({
    path: `${path}.${key}.sig`,
    bytes: Buffer.from(armored),
  }));
  return [{ path, bytes: signed.body }, ...signatures];
}
