import { parseCanonical } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { sha256Hex } from "../node/sha256.ts";
import { type PublicKey, parsePublicKey } from "../node/ssh-key.ts";
import { parseAs } from "../parse.ts";
import type { SignedBytes } from "../ports.ts";
import {
  type Delegation,
  needsTwo,
  ROOT_MAX_BYTES,
  ROOT_NAMESPACE,
  type Role,
  type RoleName,
  type Root,
  root,
} from "../root.ts";
import { requireThreshold, type Signers } from "./threshold.ts";

declare const trusted: unique symbol;

/** A root that is held because it was pinned, or because it followed from one that was. Made only here. */
export interface TrustedRoot {
  readonly document: Root;
  /** SHA-256 of its exact bytes. */
  readonly digest: string;
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly [trusted]: true;
}

/** The first root of a reader: its bytes have the digest that was handed over with the site's configuration. */
export function pinRoot(document: SignedBytes, digest: string): TrustedRoot {
  if (sha256Hex(document.body) !== digest) {
    throw new AppError("root-chain", "this is not the root that was pinned", {
      where: "root",
      fix: "compare `root.digest` of the configuration with `skerry root show`",
    });
  }
  const candidate = readRoot(document);
  requireThreshold(document, ROOT_NAMESPACE, rootSigners(candidate), whereOf(candidate.document.number));
  return candidate;
}

/** The root after `held`: numbered one higher, of the same fleet, signed by the thresholds of both. */
export function nextRoot(held: TrustedRoot, document: SignedBytes): TrustedRoot {
  const where = whereOf(held.document.number + 1);
  requireThreshold(document, ROOT_NAMESPACE, rootSigners(held), where);
  const candidate = readRoot(document);
  requireThreshold(document, ROOT_NAMESPACE, rootSigners(candidate), where);
  if (candidate.document.fleet !== held.document.fleet) {
    throw new AppError("fleet", `root of fleet ${candidate.document.fleet}, not ${held.document.fleet}`, { where });
  }
  if (candidate.document.number !== held.document.number + 1) {
    throw new AppError("root-chain", `root ${candidate.document.number} does not follow root ${held.document.number}`, {
      where,
    });
  }
  return candidate;
}

/** A rotation takes two thresholds: the message says which of them is missing. */
function rootSigners(root: TrustedRoot): Signers {
  return { ...signersOf(root, "root"), title: `role root of root ${root.document.number}` };
}

/** Who may act for a role, as `requireThreshold` takes it. */
export function signersOf(root: TrustedRoot, role: RoleName): Signers {
  const entry = root.document.roles[role];
  if (entry === undefined)
    throw new AppError("undelegated", `the root has no role ${role}`, { where: whereOf(root.document.number) });
  return pick(root, entry, `role ${role}`);
}

export function signersFor(root: TrustedRoot, delegation: Delegation): Signers {
  return pick(root, delegation, `bundles ${delegation.pattern}`);
}

function pick(root: TrustedRoot, entry: Role, title: string): Signers {
  const keys = entry.keys.flatMap((name) => root.keys.get(name) ?? []);
  return { title, threshold: entry.threshold, keys, names: entry.keys };
}

/** Its form, and the rules inside of it; that it is signed, and follows, is for `pinRoot` and `nextRoot` to say. */
export function readRoot(document: SignedBytes): TrustedRoot {
  const parsed = parseAs(root, parseCanonical(document.body, "root", ROOT_MAX_BYTES), "root");
  const where = whereOf(parsed.number);
  const keys = new Map(Object.entries(parsed.keys).map(([name, line]) => [name, parsePublicKey(line)]));
  const named: [string, Role][] = [
    ...Object.entries(parsed.roles).flatMap(([name, role]): [string, Role][] =>
      role === undefined ? [] : [[`/roles/${name}`, role]],
    ),
    ...parsed.bundles.map((entry, index): [string, Role] => [`/bundles/${index}`, entry]),
  ];
  for (const [path, role] of named) {
    const distinct = new Set<string>();
    for (const name of role.keys) {
      const key = keys.get(name);
      if (key === undefined)
        throw new AppError("schema", `names key ${name}, which /keys does not have`, { where: `${where} ${path}` });
      distinct.add(key.spki);
    }
    if (distinct.size < role.threshold) {
      throw new AppError(
        "threshold",
        `threshold ${role.threshold} with ${distinct.size} distinct keys can never be met`,
        {
          where: `${where} ${path}`,
        },
      );
    }
  }
  const alone = parsed.bundles.findIndex((entry) => needsTwo(entry) && entry.threshold < 2);
  if (alone !== -1) {
    throw new AppError("threshold", "who may sign here can take over the agent: it needs a threshold of 2", {
      where: `${where} /bundles/${alone}/threshold`,
      fix: "raise the threshold, or leave out the agent's namespace and the kinds of RBAC, admission, API services and certificates",
    });
  }
  return { document: parsed, digest: sha256Hex(document.body), keys } as unknown as TrustedRoot;
}

export function whereOf(number: number): string {
  return `root/${number}.json`;
}
