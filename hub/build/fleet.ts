import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { nextRoot, pinRoot, type TrustedRoot } from "../../shared/verify/root.ts";
import { readSigned } from "./signed-files.ts";

/** The roots of a fleet repository, as far as they are signed. */
export interface Fleet {
  /** `root/1.json` and on, each following from the one before. */
  documents: SignedBytes[];
  /** Of the same order. */
  chain: TrustedRoot[];
  newest: TrustedRoot;
  /** Why the document after the newest does not count; undefined where there is none. */
  pending: AppError | undefined;
}

/** The operator's own checkout is where trust begins: its `root/1.json` is taken as it is. */
export async function readFleet(folder: string): Promise<Fleet> {
  const first = await readSigned(join(folder, "root", "1.json"));
  if (first === null) {
    throw new AppError("config", "the fleet repository has no root", {
      where: "root/1.json",
      fix: "make one with `skerry root init --from root.yaml`, and sign it with `skerry root sign`",
    });
  }
  const documents = [first];
  let newest = pinRoot(first, sha256Hex(first.body));
  const chain = [newest];
  for (;;) {
    const next = await readSigned(join(folder, "root", `${documents.length + 1}.json`));
    if (next === null) return { documents, chain, newest, pending: undefined };
    try {
      newest = nextRoot(newest, next);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return { documents, chain, newest, pending: error };
    }
    documents.push(next);
    chain.push(newest);
  }
}
