import { sorted } from "../canonical.ts";
import { DIFF_MAX_BYTES, type Diff, diff } from "../diff.ts";
import { AppError } from "../errors.ts";
import { short } from "../names.ts";
import { sha256Hex } from "../node/sha256.ts";
import { parseAs } from "../parse.ts";

/** How a report names a diff. */
export function diffHash(of: Diff): string {
  return short(sha256Hex(sorted(of)));
}

/** A diff that somebody else sent, which must be the one that was reported. Throws `schema`, `too-large`, `digest`. */
export function openDiff(json: unknown, reported: string, where: string): Diff {
  const read = parseAs(diff, json, where);
  const bytes = Buffer.byteLength(sorted(read));
  if (bytes > DIFF_MAX_BYTES) {
    throw new AppError("too-large", `a diff of ${bytes} bytes, at most ${DIFF_MAX_BYTES} are taken`, { where });
  }
  const hash = diffHash(read);
  if (hash !== reported) throw new AppError("digest", `a diff ${hash}, and ${reported} was reported`, { where });
  return read;
}
