import { AppError } from "../../shared/errors.ts";
import { namingNearest } from "../../shared/node/config-file.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { readYamlPlaced } from "../../shared/node/yaml.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { type Rollout, rolloutFile, withDefaults } from "../../shared/rollout.ts";
import { type Moved, openMove } from "../../shared/verify/move.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { signedDocuments } from "./documents.ts";
import type { FileCommit, RolloutRead } from "./followed.ts";

/** Runs are called `<rollout>-<n>` and must stay DNS labels. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,50}[a-z0-9])?$/;

/**
 * The rollouts in a folder of files, by name; other files there are none of the hub's business. With the role `move` in the root, a
 * file counts only with the order that was signed for its bytes, which stands beside it as `<name>.move.json`.
 */
export function readRolloutFiles(
  files: readonly { path: string; bytes: Uint8Array }[],
  commit: string,
  root: TrustedRoot,
  changed: ReadonlyMap<string, FileCommit> = new Map(),
): Map<string, RolloutRead> {
  const found = new Map<string, RolloutRead>();
  const orders = root.document.roles.move === undefined ? null : signedDocuments(files);
  for (const { path, bytes } of files) {
    const name = /^rollouts\/([^/]+)\.ya?ml$/.exec(path)?.[1];
    if (name === undefined) continue;
    // `pos.yml` beside `pos.yaml` has a name of its own, under which it is refused.
    found.set(
      path.endsWith(".yml") ? `${name}.yml` : name,
      readRolloutFile(name, path, bytes, { commit, author: changed.get(path) ?? null, root, orders }),
    );
  }
  return found;
}

interface Around {
  commit: string;
  author: FileCommit | null;
  root: TrustedRoot;
  /** By path; null where no order is asked for. */
  orders: ReadonlyMap<string, SignedBytes> | null;
}

function readRolloutFile(name: string, path: string, bytes: Uint8Array, around: Around): RolloutRead {
  const { author } = around;
  const file = { commit: author?.commit ?? around.commit, author, sha256: sha256Hex(bytes) };
  let move: Moved | null = null;
  try {
    refuseName(name, path);
    if (around.orders !== null) move = openMove(orderOf(name, around.orders), name, file.sha256, around.root);
    return { ...file, move, kind: "read", ...openRolloutFile(bytes, path) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ...file, move, kind: "refused", error };
  }
}

/** With every default filled in. Throws what is wrong with it, at file and line. */
export function openRolloutFile(bytes: Uint8Array, path: string): { spec: Rollout; where(pointer: string): string } {
  const text = decoded(bytes, path);
  const { value, where } = namingNearest(rolloutFile, () => readYamlPlaced(text, path, rolloutFile));
  return { spec: withDefaults(value), where };
}

function orderOf(name: string, orders: ReadonlyMap<string, SignedBytes>): SignedBytes {
  const path = `rollouts/${name}.move.json`;
  const order = orders.get(path);
  if (order !== undefined) return order;
  throw new AppError("threshold", `the root asks for a signed order, and rollouts/${name}.yaml has none`, {
    where: path,
    fix: `sign it: \`skerry rollout sign ${name} --key FILE\`, and commit both files`,
  });
}

function refuseName(name: string, path: string): void {
  if (path.endsWith(".yml")) {
    throw new AppError("schema", "rollouts are read from files that end in .yaml", {
      where: path,
      fix: `rename it to rollouts/${name}.yaml`,
    });
  }
  if (NAME.test(name)) return;
  throw new AppError("schema", "the file's name is no name for a rollout", {
    where: path,
    fix: "use at most 52 lower-case letters, digits and hyphens",
  });
}

function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError("malformed", "the file is not UTF-8", { where: path, cause });
  }
}
