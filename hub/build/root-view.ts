import { createHash } from "node:crypto";
import { AppError, inWords } from "../../shared/errors.ts";
import type { PublicKey } from "../../shared/node/ssh-key.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { ROOT_NAMESPACE, type Root } from "../../shared/root.ts";
import { readRoot, type TrustedRoot } from "../../shared/verify/root.ts";
import type { Fleet } from "./fleet.ts";
import { signersOf } from "./signers.ts";

/** The newest root that counts, as a person looks at it. */
export interface RootView {
  document: Root;
  /** SHA-256 of its bytes, hex. */
  digest: string;
  /** SHA-256 of root 1, hex: what sites and the hub pin. */
  pinned: string;
  /** By name in the root. */
  keys: Readonly<Record<string, { type: string; fingerprint: string }>>;
  signedBy: readonly string[];
  /** The next one, which does not count yet, and why; its signers are named as they or the present root name them. */
  waiting: { number: number; why: string; signedBy: readonly string[] } | null;
}

export function rootView(fleet: Fleet, waiting: SignedBytes | null): RootView {
  const { newest, chain, documents, pending } = fleet;
  const before = chain.at(-2);
  const own = documents.at(-1);
  const signers = new Map([...(before?.keys ?? []), ...newest.keys]);
  const keys = [...newest.keys].map(
    ([name, key]) => [name, { type: key.type, fingerprint: fingerprint(key) }] as const,
  );
  return {
    document: newest.document,
    digest: newest.digest,
    pinned: chain[0]?.digest ?? newest.digest,
    keys: Object.fromEntries(keys),
    signedBy: own === undefined ? [] : signersOf(own, ROOT_NAMESPACE, signers),
    waiting: pending === undefined ? null : waitingRoot(newest, waiting, pending),
  };
}

function waitingRoot(newest: TrustedRoot, document: SignedBytes | null, pending: AppError): RootView["waiting"] {
  const number = newest.document.number + 1;
  const why = inWords(pending);
  if (document === null) return { number, why, signedBy: [] };
  let own: ReadonlyMap<string, PublicKey>;
  try {
    own = readRoot(document).keys;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    own = new Map();
  }
  return { number, why, signedBy: signersOf(document, ROOT_NAMESPACE, new Map([...newest.keys, ...own])) };
}

/** As `ssh-keygen -l` prints it. */
function fingerprint({ wire }: PublicKey): string {
  return `SHA256:${createHash("sha256").update(wire).digest("base64").replace(/=+$/, "")}`;
}
