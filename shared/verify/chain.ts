import { AppError, isRefusal } from "../errors.ts";
import { sha256Hex } from "../node/sha256.ts";
import type { SignedBytes } from "../ports.ts";
import { ROOT_NAMESPACE } from "../root.ts";
import { nextRoot, pinRoot, readRoot, signersOf, type TrustedRoot, whereOf } from "./root.ts";
import { requireThreshold } from "./threshold.ts";

/** A root of the chain, with the bytes to keep. */
export interface HeldRoot {
  root: TrustedRoot;
  document: SignedBytes;
}

/**
 * What the roots that a source offers add to the chain that is held: each the successor of the one before, up to the first that is
 * refused. `held` goes from the pinned root to the newest and is empty at first. Offer all roots from the pinned number on, not the
 * newer ones only: then a second document under a number that is held is seen, which is a fork (`root-chain`).
 */
export function followChain(
  held: ReadonlyMap<number, TrustedRoot>,
  offered: readonly SignedBytes[],
  pinned: string,
): { taken: HeldRoot[]; refused: AppError | null } {
  const chain = new Map(held);
  const taken: HeldRoot[] = [];
  // What comes before the pinned one is history.
  const start = offered.findIndex((document) => sha256Hex(document.body) === pinned);
  if (chain.size === 0 && start === -1) return { taken, refused: withoutPin() };
  for (const document of offered.slice(Math.max(start, 0))) {
    const digest = sha256Hex(document.body);
    const known = [...chain.values()];
    if (known.some((root) => root.digest === digest)) continue;
    const newest = known.at(-1);
    try {
      const root = newest === undefined ? pinRoot(document, pinned) : next(newest, document, chain);
      chain.set(root.document.number, root);
      taken.push({ root, document });
    } catch (error) {
      if (isRefusal(error)) return { taken, refused: error };
      throw error;
    }
  }
  return { taken, refused: null };
}

function next(newest: TrustedRoot, document: SignedBytes, chain: ReadonlyMap<number, TrustedRoot>): TrustedRoot {
  try {
    return nextRoot(newest, document);
  } catch (error) {
    throw fork(document, chain) ?? error;
  }
}

/**
 * A second root under a number that is held, signed by a threshold that the chain has known: by keys that may have left meanwhile. What
 * strangers signed is no fork, but nothing at all.
 */
function fork(document: SignedBytes, chain: ReadonlyMap<number, TrustedRoot>): AppError | null {
  const signed = [...chain.values()].some((root) => isSignedBy(root, document));
  if (!signed) return null;
  let number: number;
  try {
    number = readRoot(document).document.number;
  } catch {
    return null;
  }
  const held = chain.get(number);
  if (held === undefined) return null;
  return new AppError("root-chain", `a fork: another root ${number} than the one held (${held.digest.slice(0, 12)})`, {
    where: whereOf(number),
    fix: "find out who signed two roots with one number; the chain that is held stays",
  });
}

function isSignedBy(root: TrustedRoot, document: SignedBytes): boolean {
  try {
    requireThreshold(document, ROOT_NAMESPACE, signersOf(root, "root"), "root");
    return true;
  } catch {
    return false;
  }
}

function withoutPin(): AppError {
  return new AppError("root-chain", "the source has no root with the pinned digest", {
    where: "trust",
    fix: "compare `root.digest` of the configuration with `skerry root show`",
  });
}
