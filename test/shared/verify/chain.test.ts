import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";
import { ed25519FromSeed } from "../../../shared/node/ssh-private-key.ts";
import type { SignedBytes } from "../../../shared/ports.ts";
import type { Root } from "../../../shared/root.ts";
import { followChain } from "../../../shared/verify/chain.ts";
import type { TrustedRoot } from "../../../shared/verify/root.ts";
import { line, rootDocument, signedRoot } from "../../support/fleet.ts";

/** Each root has a key of its own, so that each one is a rotation. */
const owner = (number: number): PrivateKey => ed25519FromSeed(new Uint8Array(32).fill(50 + number));

function rootOf(number: number, changes: Partial<Root> = {}, signers = [number - 1, number]): SignedBytes {
  const held: Partial<Root> = {
    number,
    keys: { ...rootDocument().keys, owner: line(owner(number)) },
    roles: { ...rootDocument().roles, root: { keys: ["owner"], threshold: 1 } },
  };
  return signedRoot({ ...held, ...changes }, Object.fromEntries(signers.map((each) => [`k${each}`, owner(each)])));
}

const CHAIN = [1, 2, 3, 4, 5, 6].map((number) => rootOf(number));
const [FIRST = rootOf(1)] = CHAIN;
const PINNED = sha256Hex(FIRST.body);
const NOTHING: ReadonlyMap<number, TrustedRoot> = new Map();

function heldUpTo(number: number): ReadonlyMap<number, TrustedRoot> {
  const { taken } = followChain(NOTHING, CHAIN.slice(0, number), PINNED);
  return new Map(taken.map(({ root }) => [root.document.number, root]));
}

function offer(held: ReadonlyMap<number, TrustedRoot>, offered: readonly SignedBytes[]) {
  const { taken, refused } = followChain(held, offered, PINNED);
  return { numbers: taken.map(({ root }) => root.document.number), code: refused?.code, words: refused?.message };
}

describe("a chain of roots", () => {
  it("brings a reader along that slept through five rotations", () => {
    expect(offer(heldUpTo(1), CHAIN)).toEqual({ numbers: [2, 3, 4, 5, 6] });
    expect(offer(NOTHING, CHAIN)).toEqual({ numbers: [1, 2, 3, 4, 5, 6] });
  });

  it("says the same again without harm, and may be offered from the newer ones on only", () => {
    expect(offer(heldUpTo(6), CHAIN)).toEqual({ numbers: [] });
    expect(offer(heldUpTo(2), [...CHAIN.slice(2, 4), ...CHAIN.slice(2, 4)])).toEqual({ numbers: [3, 4] });
    expect(offer(heldUpTo(2), [])).toEqual({ numbers: [] });
  });

  it("passes over what came before the pinned root", () => {
    expect(offer(NOTHING, [rootOf(1, { number: 9 }, [1]), ...CHAIN])).toMatchObject({ numbers: [1, 2, 3, 4, 5, 6] });
  });

  const other = { createdAt: "2026-11-01T09:00:00Z" };
  it.each<[string, () => ReturnType<typeof offer>, { numbers: number[]; code: string; words: RegExp }]>([
    [
      "without the pinned root",
      () => offer(NOTHING, CHAIN.slice(1)),
      { numbers: [], code: "root-chain", words: /no root with the pinned digest/ },
    ],
    [
      "with a fork of the newest",
      () => offer(heldUpTo(2), [FIRST, rootOf(2, other)]),
      { numbers: [], code: "root-chain", words: /a fork: another root 2 / },
    ],
    [
      "with a fork by keys that have left since",
      () => offer(heldUpTo(6), [FIRST, rootOf(2, other), ...CHAIN.slice(2)]),
      { numbers: [], code: "root-chain", words: /a fork: another root 2 / },
    ],
    [
      "with a fork of the pinned one",
      () => offer(heldUpTo(3), [rootOf(1, other, [1])]),
      { numbers: [], code: "root-chain", words: /a fork: another root 1 / },
    ],
    [
      "with a number twice",
      () => offer(heldUpTo(1), [...CHAIN.slice(0, 3), rootOf(3, other), ...CHAIN.slice(3)]),
      { numbers: [2, 3], code: "root-chain", words: /a fork: another root 3 / },
    ],
    [
      "with a gap that its keys do not bridge",
      () => offer(heldUpTo(1), CHAIN.slice(2)),
      { numbers: [], code: "threshold", words: /role root/ },
    ],
    [
      "with a gap that its keys would bridge",
      () => offer(heldUpTo(1), [rootOf(3, {}, [1, 3])]),
      { numbers: [], code: "root-chain", words: /root 3 does not follow root 1/ },
    ],
    [
      "with a stranger's second root",
      () => offer(heldUpTo(2), [FIRST, rootOf(2, other, [9])]),
      { numbers: [], code: "threshold", words: /role root/ },
    ],
    [
      "with a root of another fleet",
      () => offer(heldUpTo(1), [rootOf(2, { fleet: "ships" })]),
      { numbers: [], code: "fleet", words: /root of fleet ships/ },
    ],
  ])("is refused %s, and what was good before stays", (_title, run, { words, ...expected }) => {
    const found = run();
    expect(found).toMatchObject(expected);
    expect(found.words).toMatch(words);
  });
});
