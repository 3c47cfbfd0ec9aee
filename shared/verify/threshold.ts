import { AppError } from "../errors.ts";
import type { PublicKey } from "../node/ssh-key.ts";
import { verifySsh } from "../node/sshsig.ts";
import type { SignedBytes } from "../ports.ts";

/** A document has few signers; more signatures than this are an attempt to keep the reader busy. */
const MAX_SIGNATURES = 32;

export interface Signers {
  /** What the keys are allowed to do, for the message: `role site`, `bundles pos*`. */
  title: string;
  keys: readonly PublicKey[];
  threshold: number;
}

/**
 * Holds when at least `threshold` distinct public keys of `signers` made a good signature over exactly these bytes.
 * Distinct by SPKI: one key under two names, or in two forms, counts once. Signatures of other keys count for nothing.
 * Throws `threshold`, or `signature` where a signature that would have counted is broken.
 */
export function requireThreshold(document: SignedBytes, namespace: string, signers: Signers, where: string): void {
  if (document.signatures.size > MAX_SIGNATURES) {
    throw new AppError("too-large", `${document.signatures.size} signatures, at most ${MAX_SIGNATURES} are read`, {
      where,
    });
  }
  const trusted = new Set(signers.keys.map((key) => key.spki));
  const counted = new Set<string>();
  let broken: AppError | undefined;
  for (const [name, armored] of document.signatures) {
    try {
      const key = verifySsh(document.body, armored, namespace);
      if (trusted.has(key.spki)) counted.add(key.spki);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      broken ??= new AppError(error.code, `signature of ${name}: ${error.message}`, { where, cause: error });
    }
  }
  if (counted.size >= signers.threshold) return;
  if (broken !== undefined) throw broken;
  throw new AppError("threshold", `${counted.size} of ${signers.threshold} needed signatures by ${signers.title}`, {
    where,
    fix: "sign it with keys that the root names for this",
  });
}
