import { describe, expect, it } from "vitest";
import type { FleetHead } from "../../../shared/head.ts";
import type { Pair } from "../../../shared/names.ts";
import { freshness, openHead, type Shown } from "../../../shared/verify/head.ts";
import { CREATED, keys, rootDocument, sign, signedHead, trustedRoot } from "../../support/fleet.ts";
import { thrownCode } from "../../support/thrown.ts";

const DAY = 86_400_000;
const SIGNED = Date.parse(CREATED);
const roles = { ...rootDocument().roles, head: { keys: ["head"], threshold: 1 } };
const root = trustedRoot({ roles, head: { freshFor: "2d" } });
const head = (changes: Partial<FleetHead> = {}) => openHead(signedHead(changes), root, null);

describe("a head", () => {
  it("is taken, the same again, and a newer one", () => {
    const held = head({ number: 4, newest: { pos: [1, 3] } });
    expect(openHead(signedHead({ number: 4, newest: { pos: [1, 3] } }), root, held)).toEqual(held);
    expect(openHead(signedHead({ number: 5 }), root, held).number).toBe(5);
  });

  it.each<[string, string, () => unknown]>([
    ["by a stranger", "threshold", () => openHead(signedHead({}, keys.stranger), root, null)],
    ["where the root has no such role", "undelegated", () => openHead(signedHead(), trustedRoot(), null)],
    ["after its key left the role", "threshold", () => openHead(signedHead(), rotated(), null)],
    ["with the signature of another kind of document", "signature", () => openHead(asSite(), root, null)],
    ["of another fleet", "fleet", () => head({ fleet: "ships" })],
    ["older than the one held", "rollback", () => openHead(signedHead({ number: 3 }), root, head({ number: 4 }))],
    [
      "under the number held, with other content",
      "equivocation",
      () => openHead(signedHead({ newest: { pos: [1, 2] } }), root, head()),
    ],
    ["with a pair that is none", "schema", () => head({ newest: { pos: [1, 0] } })],
  ])("is refused %s: %s", (_title, code, run) => {
    expect(thrownCode(run)).toBe(code);
  });
});

describe("may news be withheld", () => {
  const shown = (newest: Record<string, Pair | null> = {}, number = 1): Shown => ({
    root: number,
    newest: new Map(Object.entries(newest)),
  });
  const fresh = SIGNED + DAY;

  it.each<[string, ReturnType<typeof freshness>, () => ReturnType<typeof freshness>]>([
    [
      "fresh, and nothing newer",
      "up-to-date",
      () => freshness(head({ newest: { pos: [1, 3] } }), root, fresh, true, shown({ pos: [1, 3] })),
    ],
    ["to the last moment", "up-to-date", () => freshness(head(), root, SIGNED + 2 * DAY, true, shown())],
    ["too old", { withheldSince: SIGNED + 2 * DAY }, () => freshness(head(), root, SIGNED + 9 * DAY, true, shown())],
    [
      "too old by a clock that nobody is sure of",
      "none",
      () => freshness(head(), root, SIGNED + 9 * DAY, false, shown()),
    ],
    [
      "names a newer version",
      { withheldSince: SIGNED },
      () => freshness(head({ newest: { pos: [1, 4] } }), root, fresh, true, shown({ pos: [1, 3] })),
    ],
    [
      "names a newer epoch",
      { withheldSince: SIGNED },
      () => freshness(head({ newest: { pos: [2, 1] } }), root, fresh, true, shown({ pos: [1, 9] })),
    ],
    [
      "names a version of which there is none here",
      { withheldSince: SIGNED },
      () => freshness(head({ newest: { pos: [1, 1] } }), root, fresh, true, shown({ pos: null })),
    ],
    [
      "names a newer version, whatever the clock says",
      { withheldSince: SIGNED },
      () => freshness(head({ newest: { pos: [1, 4] } }), root, 0, false, shown({ pos: [1, 3] })),
    ],
    ["names a newer root", { withheldSince: SIGNED }, () => freshness(head({ root: 2 }), root, fresh, true, shown())],
    [
      "names what this site does not follow",
      "up-to-date",
      () => freshness(head({ newest: { cafe: [1, 4] } }), root, fresh, true, shown({ pos: [1, 3] })),
    ],
    [
      "older than what was shown",
      "up-to-date",
      () => freshness(head({ newest: { pos: [1, 2] } }), root, fresh, true, shown({ pos: [1, 3] }, 4)),
    ],
    [
      "dated days ahead",
      "none",
      () => freshness(head({ createdAt: "2027-01-01T00:00:00Z" }), root, fresh, true, shown()),
    ],
    ["none yet", "none", () => freshness(null, root, fresh, true, shown())],
    [
      "none for longer than one is fresh",
      { withheldSince: SIGNED + 2 * DAY },
      () => freshness(null, root, SIGNED + 3 * DAY, true, shown()),
    ],
    ["no such role", "none", () => freshness(null, trustedRoot(), SIGNED + 9 * DAY, true, shown())],
  ])("%s: %j", (_title, expected, run) => {
    expect(run()).toEqual(expected);
  });
});

function rotated() {
  return trustedRoot({ roles: { ...roles, head: { keys: ["root2"], threshold: 1 } }, head: { freshFor: "2d" } });
}

function asSite() {
  return sign(JSON.parse(Buffer.from(signedHead().body).toString()), "skerry-site@v1", { head: keys.head });
}
