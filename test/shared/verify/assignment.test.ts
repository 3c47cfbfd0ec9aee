import { describe, expect, it } from "vitest";
import type { AssignmentSet } from "../../../shared/assignment.ts";
import { sorted } from "../../../shared/canonical.ts";
import { encodeFrame } from "../../../shared/node/frame.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";
import { FRAME_NAMESPACE, topicOf } from "../../../shared/protocol.ts";
import { openAssignment } from "../../../shared/verify/assignment.ts";
import type { TrustedRoot } from "../../../shared/verify/root.ts";
import { keys, rootDocument, trustedRoot } from "../../support/fleet.ts";
import { thrownCode } from "../../support/thrown.ts";

const root = trustedRoot();
/** The hub was broken into: its key is replaced by another one. */
const rotated = trustedRoot({ roles: { ...rootDocument().roles, assign: { keys: ["root2"], threshold: 1 } } });
const ITEM: AssignmentSet["items"][number] = {
  bundle: "pos",
  version: "1.0.0",
  digest: "a".repeat(64),
  pair: [1, 1],
  record: 1,
  mode: "run",
  run: "pos-1",
  wave: "lab",
  values: {},
};

function frame(changes: Partial<AssignmentSet> = {}, key: PrivateKey = keys.assign, site = "s-1"): Uint8Array {
  const set = {
    fleet: "shops",
    site: "s-1",
    term: 1,
    number: 1,
    root: 1,
    expires: "2026-12-01T08:00:00Z",
    items: [ITEM],
    ...changes,
  };
  const namespace = FRAME_NAMESPACE["down/assign"];
  return encodeFrame({
    topic: topicOf("shops", site, "down/assign"),
    namespace,
    json: sorted(set),
    format: "plain",
    key,
  });
}

/** A site as it takes one set after the other. */
function site(view: TrustedRoot = root) {
  let last: { term: number; number: number; key: string } | null = null;
  return {
    trusts: (other: TrustedRoot) => {
      view = other;
    },
    take: (bytes: Uint8Array): string => {
      const opened = openAssignment(bytes, { site: "s-1", root: view, last });
      if (opened === null) return "nothing new";
      last = { term: opened.set.term, number: opened.set.number, key: opened.key };
      return `${last.term}.${last.number}`;
    },
  };
}

describe("an assignment set", () => {
  it("carries values and a time before which nothing starts", () => {
    const item = { ...ITEM, values: { TILLS: 2 }, notBefore: "2026-11-03T08:00:00Z" };
    const opened = openAssignment(frame({ items: [item] }), { site: "s-1", root, last: null });
    expect(opened?.set.items).toEqual([item]);
  });

  it("may be empty: what is absent from it is not taken away, and it counts as the newest", () => {
    const shop = site();
    expect(shop.take(frame({ number: 2, items: [] }))).toBe("1.2");
    expect(thrownCode(() => shop.take(frame({ number: 1 })))).toBe("assignment");
  });

  it.each<[string, string, () => unknown]>([
    ["for another site", "assignment", () => site().take(frame({ site: "s-2" }))],
    ["sent for another site", "signature", () => site().take(frame({}, keys.assign, "s-2"))],
    ["of another fleet", "fleet", () => site().take(frame({ fleet: "ships" }))],
    ["by a key that the root does not name for it", "signature", () => site().take(frame({}, keys.stranger))],
    [
      "with two items for one bundle",
      "schema",
      () => site().take(frame({ items: [ITEM, { ...ITEM, digest: "b".repeat(64) }] })),
    ],
  ])("is refused %s: %s", (_title, code, run) => {
    expect(thrownCode(run)).toBe(code);
  });
});

describe("term and number", () => {
  it("rise as a pair; the same again says nothing new", () => {
    const shop = site();
    expect(shop.take(frame({ term: 2, number: 7 }))).toBe("2.7");
    expect(shop.take(frame({ term: 2, number: 7 }))).toBe("nothing new");
    expect(thrownCode(() => shop.take(frame({ term: 2, number: 6 })))).toBe("assignment");
    expect(thrownCode(() => shop.take(frame({ term: 1, number: 99 })))).toBe("assignment");
    expect(shop.take(frame({ term: 2, number: 8 }))).toBe("2.8");
  });

  it("of a hub restored from yesterday do not count, until it takes a higher term", () => {
    const shop = site();
    shop.take(frame({ number: 40 }));
    expect(thrownCode(() => shop.take(frame({ number: 31 })))).toBe("assignment");
    expect(shop.take(frame({ term: 2, number: 32 }))).toBe("2.32");
  });
});

describe("a stolen assign key", () => {
  it("says what it likes until the root drops it, and nothing after", () => {
    const shop = site();
    expect(shop.take(frame({ term: 9_000, number: 1 }))).toBe("9000.1");
    shop.trusts(rotated);
    expect(thrownCode(() => shop.take(frame({ term: 9_001, number: 1 })))).toBe("signature");
  });

  it("leaves no number behind that the new key would have to be above", () => {
    const shop = site();
    shop.take(frame({ term: 9_000, number: 9_000 }));
    shop.trusts(rotated);
    expect(shop.take(frame({ term: 1, number: 1 }, keys.root2))).toBe("1.1");
    expect(thrownCode(() => shop.take(frame({ term: 9_000, number: 9_001 })))).toBe("signature");
  });
});
