import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUNDLE_NAMESPACE } from "../../../shared/bundle.ts";
import { canonicalJson } from "../../../shared/canonical.ts";
import { AppError } from "../../../shared/errors.ts";
import { HEAD_NAMESPACE } from "../../../shared/head.ts";
import { MOVE_NAMESPACE } from "../../../shared/move.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";
import type { SignedBytes } from "../../../shared/ports.ts";
import { ROOT_NAMESPACE } from "../../../shared/root.ts";
import { SITE_NAMESPACE } from "../../../shared/site.ts";
import { openManifest } from "../../../shared/verify/bundle.ts";
import { followChain } from "../../../shared/verify/chain.ts";
import { openHead } from "../../../shared/verify/head.ts";
import { openMove } from "../../../shared/verify/move.ts";
import { openRecord } from "../../../shared/verify/record.ts";
import {
  keys,
  rootDocument,
  signBytes,
  signedBundle,
  signedHead,
  signedMove,
  signedRoot,
  signedSite,
  trustedRoot,
} from "../../support/fleet.ts";

const role = (name: string) => ({ keys: [name], threshold: 1 });
const root = trustedRoot({
  roles: { ...rootDocument().roles, head: role("head"), move: role("move") },
  head: { freshFor: "2d" },
});
const sha256 = "a".repeat(64);

interface Opener {
  namespace: string;
  key: PrivateKey;
  sample: SignedBytes;
  open(document: SignedBytes): unknown;
}

const OPENERS: Readonly<Record<string, Opener>> = {
  root: {
    namespace: ROOT_NAMESPACE,
    key: keys.root,
    sample: signedRoot({ number: 2 }),
    open: (document) => {
      const { refused } = followChain(new Map([[1, root]]), [document], sha256Hex(Buffer.from("none")));
      if (refused !== null) throw refused;
    },
  },
  bundle: {
    namespace: BUNDLE_NAMESPACE,
    key: keys.pos,
    sample: signedBundle({ variables: { TILLS: { type: "integer", default: 1, max: 3 } } }).document,
    open: (document) => openManifest(document, "pos", root),
  },
  record: {
    namespace: SITE_NAMESPACE,
    key: keys.site,
    sample: signedSite(),
    open: (document) => openRecord(document, "s-1", root),
  },
  head: {
    namespace: HEAD_NAMESPACE,
    key: keys.head,
    sample: signedHead({ newest: { pos: [1, 2] } }),
    open: (document) => openHead(document, root, null),
  },
  move: {
    namespace: MOVE_NAMESPACE,
    key: keys.move,
    sample: signedMove({ name: "pos", number: 1, sha256 }),
    open: (document) => openMove(document, "pos", sha256, root),
  },
};

/** A document in which something, anywhere, is something else. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  const other = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom("", "*", "__proto__", -1, 2 ** 53, null, [], {}),
  );
  if (typeof value !== "object" || value === null) return other;
  const entries = Object.entries(value);
  const below = entries.map(([key, member]) =>
    changed(member).map((next) => (Array.isArray(value) ? value.with(Number(key), next) : { ...value, [key]: next })),
  );
  const without = entries.map(([key]) => fc.constant(Object.fromEntries(entries.filter(([each]) => each !== key))));
  const more = fc.dictionary(fc.string(), other, { maxKeys: 2 }).map((extra) => ({ ...value, ...extra }));
  return fc.oneof(other, more, ...below, ...below, ...(Array.isArray(value) ? [] : without));
}

describe.each(Object.entries(OPENERS))("a %s", (_kind, { namespace, key, sample, open }) => {
  const value: unknown = JSON.parse(Buffer.from(sample.body).toString());
  const takenOrRefused = (document: SignedBytes) => {
    try {
      open(document);
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect((error as AppError).code).not.toBe("internal");
    }
  };

  it("is taken as it is", () => {
    expect(() => open(sample)).not.toThrow();
  });

  it("that its owners signed and that is anything else is taken or refused by name", () => {
    fc.assert(
      fc.property(changed(value), (other) =>
        takenOrRefused(signBytes(Buffer.from(canonicalJson(other)), namespace, { k: key })),
      ),
      { numRuns: 300 },
    );
  });

  it("of any bytes, signed or not, is taken or refused by name", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (body, text) => {
        takenOrRefused(signBytes(body, namespace, { k: key }));
        takenOrRefused({ body, signatures: new Map([["k", text]]) });
      }),
      { numRuns: 100 },
    );
  });
});
