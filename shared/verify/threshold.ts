import { AppError } from "../errors.ts";
import { verifyDsse } from "../node/dsse.ts";
import type { PublicKey } from "../node/ssh-key.ts";
import { verifySsh } from "../node/sshsig.ts";
import type { SignedBytes } from "../ports.ts";

/** A document has few signers; more signatures than this are an attempt to keep the reader busy. */
const MAX_SIGNATURES = 32;

export interface Signers {
  /** What the keys are allowed to do, for the message: `role site`, `bundles pos*`. */
  title: string;
  keys: readonly PublicKey[];
  /** What the root calls them, for the message. */
  names: readonly string[];
  threshold: number;
}

/**
 * Holds when at least `threshold` distinct public keys of `signers` made a good signature over exactly these bytes.
 * Distinct by SPKI: one key under two names, or in two forms, counts once. It counts in the forms that `signers` names: of a
 * key that is named as one in a security token, a signature without the token is a stranger's. Signatures of other keys
 * count for nothing. Throws `threshold`, or what is wrong with a signature that might have counted: `signature` and the like.
 */
export function requireThreshold(document: SignedBytes, namespace: string, signers: Signers, where: string): void {
  if (document.signatures.size > MAX_SIGNATURES) {
    throw new AppError("too-large", `${document.signatures.size} signatures, at most ${MAX_SIGNATURES} are read`, {
      where,
    });
  }
  const counted = new Set<string>();
  let broken: AppError | undefined;
  for (const [name, text] of document.signatures) {
    try {
      for (const key of signersIn(document.body, text, namespace, signers.keys)) counted.add(key.spki);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const fix = error.fix === undefined ? {} : { fix: error.fix };
      broken ??= new AppError(error.code, `signature of ${name}: ${error.message}`, { where, cause: error, ...fix });
    }
  }
  if (counted.size >= signers.threshold) return;
  if (broken !== undefined) throw broken;
  throw new AppError("threshold", `${counted.size} of ${signers.threshold} needed signatures by ${signers.title}`, {
    where,
    fix: `sign it with more of ${signers.names.join(", ")}`,
  });
}

/** Those of `keys` that made this signature: a DSSE envelope begins with a brace, one of SSH with its armor. */
function signersIn(body: Uint8Array, text: string, namespace: string, keys: readonly PublicKey[]): PublicKey[] {
  if (text.startsWith("{")) return verifyDsse(body, text, namespace, keys);
  const signer = verifySsh(body, text, namespace);
  return keys.filter((key) => Buffer.compare(key.wire, signer.wire) === 0);
}
