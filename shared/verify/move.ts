import { parseCanonical } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { MOVE_MAX_BYTES, MOVE_NAMESPACE, type Move, move } from "../move.ts";
import { parseAs } from "../parse.ts";
import type { SignedBytes } from "../ports.ts";
import { signersOf, type TrustedRoot } from "./root.ts";
import { requireThreshold } from "./threshold.ts";

/** What was signed for a rollout: which content of its file, as which number. */
export type Moved = Pick<Move, "number" | "sha256">;

/** The statement that stands beside a rollout file, for a file of these bytes (hex SHA-256). Throws a refusal. */
export function openMove(document: SignedBytes, rollout: string, sha256: string, root: TrustedRoot): Moved {
  const where = `rollouts/${rollout}.move.json`;
  requireThreshold(document, MOVE_NAMESPACE, signersOf(root, "move"), where);
  const found = parseAs(move, parseCanonical(document.body, where, MOVE_MAX_BYTES), where);
  const { fleet } = root.document;
  if (found.fleet !== fleet) {
    throw new AppError("fleet", `for fleet ${found.fleet}, not ${fleet}`, { where: `${where} /fleet` });
  }
  if (found.name !== rollout) {
    throw new AppError("digest", `for rollout ${found.name}, not ${rollout}`, { where: `${where} /name` });
  }
  if (found.sha256 !== sha256) {
    throw new AppError("digest", `signed for another content of rollouts/${rollout}.yaml`, {
      where: `${where} /sha256`,
      fix: `sign it as it is now: \`skerry rollout sign ${rollout} --key FILE\``,
    });
  }
  return { number: found.number, sha256 };
}

/** Rollback and equivocation: an old order is never taken again, and one number is one content. */
export function notOlderMove(rollout: string, move: Moved, taken: Moved | null): void {
  if (taken === null || move.number > taken.number) return;
  const where = `rollouts/${rollout}.move.json /number`;
  if (move.number < taken.number) {
    throw new AppError("rollback", `order ${move.number} is older than order ${taken.number}, which was taken`, {
      where,
      fix: `to go back, sign the old content anew: \`skerry rollout sign ${rollout} --key FILE\``,
    });
  }
  if (move.sha256 === taken.sha256) return;
  throw new AppError("equivocation", `order ${move.number} was taken already, with other content`, {
    where,
    fix: "find out who signed two contents with one number",
  });
}
