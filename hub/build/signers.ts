import { AppError } from "../../shared/errors.ts";
import type { PublicKey } from "../../shared/node/ssh-key.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { requireThreshold } from "../../shared/verify/threshold.ts";

/** Names of the keys that made a good signature, whatever the signature's file is called. */
export function signersOf(
  document: SignedBytes,
  namespace: string,
  keys: Iterable<readonly [name: string, key: PublicKey]>,
): string[] {
  return [...keys].flatMap(([name, key]) => {
    try {
      requireThreshold(document, namespace, { title: name, keys: [key], names: [name], threshold: 1 }, name);
      return [name];
    } catch (error) {
      if (error instanceof AppError) return [];
      throw error;
    }
  });
}
