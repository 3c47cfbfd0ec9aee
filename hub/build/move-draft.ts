import { join } from "node:path";
import { canonicalJson, parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { MOVE_MAX_BYTES, type Move, move } from "../../shared/move.ts";
import { name as nameSchema } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { readYaml } from "../../shared/node/yaml.ts";
import { parseAs } from "../../shared/parse.ts";
import type { Journal } from "../../shared/ports.ts";
import { rolloutFile } from "../../shared/rollout.ts";
import type { Root } from "../../shared/root.ts";
import { readSigned, readWhole, writeUnsigned } from "./signed-files.ts";

/**
 * Writes `rollouts/<name>.move.json`, the order for the rollout file as it lies in the work tree. An order for these bytes stays as it
 * is, so that a second signer signs the same. Throws with `file:line` where the file is no rollout. Returns the order's path.
 */
export async function writeMove(repository: string, name: string, root: Root, journal: Journal): Promise<string> {
  if (!nameSchema.safeParse(name).success) {
    throw new AppError("usage", `${name} is no name of a rollout`, {
      fix: "write NAME for the file rollouts/NAME.yaml",
    });
  }
  if (root.roles.move === undefined) {
    throw new AppError("undelegated", "the root has no role move: rollout files need no order", {
      where: `root/${root.number}.json /roles`,
    });
  }
  const path = `rollouts/${name}.yaml`;
  const bytes = await readWhole(join(repository, path));
  readYaml(bytes.toString(), path, rolloutFile);
  const sha256 = sha256Hex(bytes);
  const file = join(repository, "rollouts", `${name}.move.json`);
  const present = await presentMove(file, `rollouts/${name}.move.json`);
  if (present !== null && present.sha256 === sha256) return file;
  const next: Move = { fleet: root.fleet, name, number: (present?.number ?? 0) + 1, sha256 };
  journal("build.write", "before");
  await writeUnsigned(file, canonicalJson(next));
  journal("build.write", "after");
  return file;
}

async function presentMove(file: string, where: string): Promise<Move | null> {
  const document = await readSigned(file);
  if (document === null) return null;
  try {
    return parseAs(move, parseCanonical(document.body, where, MOVE_MAX_BYTES), where);
  } catch (cause) {
    throw new AppError("schema", "the present order cannot be read, and so the next number is not known", {
      where,
      cause,
      fix: "restore it with `git checkout`",
    });
  }
}
