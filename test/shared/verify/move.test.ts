import { describe, expect, it } from "vitest";
import { notOlderMove, openMove } from "../../../shared/verify/move.ts";
import { keys, rootDocument, signedMove, trustedRoot } from "../../support/fleet.ts";
import { thrownCode } from "../../support/thrown.ts";

const roles = { ...rootDocument().roles, move: { keys: ["move"], threshold: 1 } };
const root = trustedRoot({ roles });
const sha256 = "a".repeat(64);
const other = "b".repeat(64);
const good = { name: "pos", number: 3, sha256 };

describe("an order for a rollout file", () => {
  it("is read for exactly the bytes that it names", () => {
    expect(openMove(signedMove(good), "pos", sha256, root)).toEqual({ number: 3, sha256 });
  });

  it.each<[string, string, () => unknown]>([
    ["by a stranger", "threshold", () => openMove(signedMove(good, keys.stranger), "pos", sha256, root)],
    ["where the root has no such role", "undelegated", () => openMove(signedMove(good), "pos", sha256, trustedRoot())],
    ["for another content", "digest", () => openMove(signedMove(good), "pos", other, root)],
    ["for another rollout", "digest", () => openMove(signedMove({ ...good, name: "base" }), "pos", sha256, root)],
    ["of another fleet", "fleet", () => openMove(signedMove({ ...good, fleet: "ships" }), "pos", sha256, root)],
  ])("is refused %s: %s", (_title, code, run) => {
    expect(thrownCode(run)).toBe(code);
  });

  it.each<[string, string | null, { number: number; sha256: string } | null]>([
    ["the first", null, null],
    ["the same again", null, good],
    ["a newer one", null, { number: 2, sha256: other }],
    ["an older one", "rollback", { number: 4, sha256 }],
    ["the same number with other content", "equivocation", { number: 3, sha256: other }],
  ])("beside the one taken before: %s: %s", (_title, code, taken) => {
    const run = () => notOlderMove("pos", { number: 3, sha256 }, taken);
    if (code === null) expect(run).not.toThrow();
    else expect(thrownCode(run)).toBe(code);
  });
});
