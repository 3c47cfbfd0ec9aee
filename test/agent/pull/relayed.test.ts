import { beforeEach, describe, expect, it } from "vitest";
import { openTrust } from "../../../agent/link/messages.ts";
import { takeRelayed } from "../../../agent/pull/relayed.ts";
import { type Identity, NO_TRUST, type Trust } from "../../../agent/pull/trust.ts";
import { trustFrame } from "../../../hub/publish/trust.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { SignedBytes } from "../../../shared/ports.ts";
import { type TrustMessage, toRelay } from "../../../shared/trust.ts";
import { memoryCache } from "../../support/cache.ts";
import { keys, line, NOW, rootDocument, signedHead, signedRoot, signedSite } from "../../support/fleet.ts";
import { box, unsealing } from "../../support/secrets.ts";

const identity: Identity = {
  site: "s-1",
  reportKey: line(keys.report),
  box: box.recipient,
  rootDigest: sha256Hex(signedRoot().body),
  unseal: unsealing,
};
const withHead = {
  roles: { ...rootDocument().roles, head: { keys: ["head"], threshold: 1 } },
  head: { freshFor: "3d" },
};

let cache: ReturnType<typeof memoryCache>;
let trust: Trust;

beforeEach(() => {
  cache = memoryCache();
  trust = NO_TRUST;
  take({ roots: [signedRoot()], record: signedSite({ number: 2 }) });
  expect(held()).toEqual({ root: 1, record: 2, head: null });
});

interface Sent {
  roots?: readonly SignedBytes[];
  record?: SignedBytes;
  head?: SignedBytes;
}

function messageOf({ roots = [], record, head }: Sent): TrustMessage {
  return {
    roots: roots.map(toRelay),
    ...(record === undefined ? {} : { record: toRelay(record) }),
    ...(head === undefined ? {} : { head: toRelay(head) }),
  };
}

function take(sent: Sent): void {
  trust = takeRelayed({ cache, source: "hub", now: NOW, refused: 0 }, identity, trust, messageOf(sent));
}

const held = () => ({
  root: trust.root?.document.number ?? null,
  record: trust.record?.number ?? null,
  head: trust.head?.number ?? null,
});
/** Codes of the refusals that were told since the last call. */
const told = () => {
  const codes = cache.numberEvents(100).flatMap(({ kind, code }) => (kind === "refused" ? [code] : []));
  cache.acknowledge({ report: 0, event: cache.numberEvents(100).at(-1)?.number ?? 0, frame: new Uint8Array([1]) }, 1);
  return codes;
};

/** Each root signed by the keys of the one before it and by its own: the key changes with every one. */
function rotations(): SignedBytes[] {
  const named = ["root", "root2", "head", "move", "pos2", "stranger"] as const;
  return [2, 3, 4, 5, 6].map((number) => {
    const [before, after] = [named[number - 2] ?? "root", named[number - 1] ?? "root"];
    const roles = { ...rootDocument().roles, root: { keys: [after], threshold: 1 } };
    return signedRoot({ number, roles }, { [before]: keys[before], [after]: keys[after] });
  });
}

describe("roots", () => {
  it("five that were missed, each with other keys, are taken one by one and kept", () => {
    take({ roots: rotations() });
    expect(held()).toMatchObject({ root: 6, record: 2 });
    expect(cache.roots()).toHaveLength(6);
    expect(told()).toEqual([]);
  });

  it("from the hub's packet to the cache: the bytes that were signed", () => {
    const roots = [signedRoot(), ...rotations()].map((document, index) => ({ number: index + 1, document }));
    const record = { number: 3, document: signedSite({ number: 3, root: 6 }) };
    const frame = trustFrame({ root: 1, record: 2, head: 0 }, { roots, record, head: null });
    if (frame === null) throw new Error("nothing is relayed");
    const message = openTrust(frame, { fleet: "shops", site: "s-1" });
    trust = takeRelayed({ cache, source: "hub", now: NOW, refused: 0 }, identity, trust, message);
    expect(held()).toMatchObject({ root: 6, record: 3 });
    expect(cache.roots().map(({ body }) => sha256Hex(body))).toEqual(
      roots.map(({ document }) => sha256Hex(document.body)),
    );
  });

  it("a forged one is refused, and those before it stay", () => {
    const [second, third = signedRoot()] = rotations();
    const forged = { body: third.body, signatures: signedRoot({ number: 3 }, { root: keys.stranger }).signatures };
    take({ roots: second === undefined ? [] : [second, forged] });
    expect(held()).toMatchObject({ root: 2, record: 2 });
    expect(told()).toHaveLength(1);
  });

  it("a gap leads nowhere", () => {
    take({ roots: rotations().slice(1) });
    expect(held()).toMatchObject({ root: 1 });
    expect(told()).toHaveLength(1);
  });

  it("a message that comes again, or one from before, changes nothing and is no refusal", () => {
    const sent = { roots: rotations(), record: signedSite({ number: 3 }) };
    take(sent);
    const before = trust;
    take(sent);
    take({ roots: rotations().slice(0, 2), record: signedSite({ number: 3 }) });
    expect(trust).toBe(before);
    expect(told()).toEqual([]);
  });

  it("that drop the key of the record bring its new one with them", () => {
    const roles = { ...rootDocument().roles, site: { keys: ["stranger"], threshold: 1 } };
    take({ roots: [signedRoot({ number: 2, roles })] });
    expect(held()).toMatchObject({ root: 2, record: null });
    take({ record: signedSite({ number: 3 }, keys.stranger) });
    expect(held()).toMatchObject({ root: 2, record: 3 });
  });

  it("a site that has none yet begins with the pinned one, wherever the hub's chain begins", () => {
    [cache, trust] = [memoryCache(), NO_TRUST];
    take({ roots: rotations() });
    expect(held()).toEqual({ root: null, record: null, head: null });
    take({ roots: [signedRoot(), ...rotations()], record: signedSite() });
    expect(held()).toMatchObject({ root: 6, record: 1 });
  });
});

describe("a record", () => {
  it.each([
    ["of another site", () => signedSite({ id: "s-2", number: 9 }), "record"],
    ["that is older", () => signedSite({ number: 1 }), "record"],
    ["of the same number with other content", () => signedSite({ number: 2, labels: {} }), "equivocation"],
    ["by a key that may not sign it", () => signedSite({ number: 3 }, keys.stranger), "threshold"],
    ["without the site's own key", () => signedSite({ number: 3, reportKeys: [line(keys.stranger)] }), "record"],
    ["that needs a root which did not come", () => signedSite({ number: 3, root: 2 }), "root-chain"],
  ])("%s is refused, and told once however often it comes", (_words, document, code) => {
    take({ record: document() });
    take({ record: document() });
    expect(told()).toEqual([code]);
    expect(held()).toEqual({ root: 1, record: 2, head: null });
    expect(cache.record()?.number).toBe(2);
  });
});

describe("a head", () => {
  it("is taken with the root that names its role, and never goes back", () => {
    take({ head: signedHead({ number: 5 }) });
    expect(held().head).toBeNull();
    take({ roots: [signedRoot({ number: 2, ...withHead })], head: signedHead({ number: 5 }) });
    expect(held()).toEqual({ root: 2, record: 2, head: 5 });
    take({ head: signedHead({ number: 4 }) });
    expect(held().head).toBe(5);
    expect(told()).toEqual(["rollback"]);
  });
});
