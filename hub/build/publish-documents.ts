import { join } from "node:path";
import * as z from "zod/mini";
import { AppError, inWords } from "../../shared/errors.ts";
import { number } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { openHead } from "../../shared/verify/head.ts";
import { openRecord } from "../../shared/verify/record.ts";
import type { Fleet } from "./fleet.ts";
import { namesIn, readSigned } from "./signed-files.ts";

const numbered = z.object({ number });

/** What is not published, and why: one line each, for the person. */
export type LeftOut = string[];

export interface Document {
  /** In the branch and in the repository: `root/1.json`. */
  path: string;
  signed: SignedBytes;
}

/** The document, and each signature beside it. */
export function filesOf({ path, signed }: Document): { path: string; bytes: Uint8Array }[] {
  const signatures = [...signed.signatures].map(([key, armored]) => ({
    path: `${path}.${key}.sig`,
    bytes: Buffer.from(armored),
  }));
  return [{ path, bytes: signed.body }, ...signatures];
}

/** Roots, the head and site records that are signed enough, by the branch that they belong to. */
export async function trustDocuments(
  folder: string,
  fleet: Fleet,
): Promise<{ branches: Map<string, Document[]>; leftOut: LeftOut }> {
  const leftOut: LeftOut = fleet.pending === undefined ? [] : [inWords(fleet.pending)];
  const holds = (check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      leftOut.push(inWords(error));
      return false;
    }
  };
  const trust = fleet.documents.map((signed, index) => ({ path: `root/${index + 1}.json`, signed }));
  const head = await readSigned(join(folder, "head.json"));
  if (head !== null && holds(() => openHead(head, fleet.newest, null))) trust.push({ path: "head.json", signed: head });
  const branches = new Map<string, Document[]>([["trust", trust]]);
  const names = await namesIn(join(folder, "sites"));
  for (const file of names) {
    const site = /^(.+)\.json$/.exec(file)?.[1];
    const signed = site === undefined ? null : await readSigned(join(folder, "sites", file), names);
    if (site === undefined || signed === null || !holds(() => openRecord(signed, site, fleet.newest))) continue;
    const branch = recordBranch(sha256Hex(site));
    branches.set(branch, [...(branches.get(branch) ?? []), { path: `sites/${file}`, signed }]);
  }
  return { branches, leftOut };
}

/**
 * What becomes of a published document. Never an older record or head, never two contents under one number. What stays
 * the same may gain signatures. Throws `equivocation`.
 */
export function standing({ path, signed }: Document, published: Uint8Array | null): "added" | "replaced" | "stays" {
  if (published === null || Buffer.compare(published, signed.body) === 0) return "added";
  const [theirs, ours] = [numberOf(published), numberOf(signed.body)];
  if (!path.startsWith("root/") && ours !== theirs) return ours > theirs ? "replaced" : "stays";
  throw new AppError("equivocation", `number ${theirs} is published already, with other content`, {
    where: path,
    fix: "`git pull`; what was published under a number is never replaced",
  });
}

/** 0 for what has none: whoever can push can put anything there. */
function numberOf(body: Uint8Array): number {
  const result = numbered.safeParse(jsonOf(body));
  return result.success ? result.data.number : 0;
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return null;
  }
}
