import { describe, expect, it } from "vitest";
import { AppError } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { acceptRecord, openRecord } from "../../../shared/verify/record.ts";
import { followRoots, nextRoot, pinRoot } from "../../../shared/verify/root.ts";
import { keys, line, rootDocument, signedRoot, signedSite, trustedRoot } from "../../support/fleet.ts";

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.code;
  }
  throw new Error("it was accepted");
}

const twoRoots = { ...rootDocument().roles, root: { keys: ["root2"], threshold: 1 } };
const handOver = signedRoot({ number: 2, roles: twoRoots }, { root: keys.root, root2: keys.root2 });

describe("the chain of roots", () => {
  it("begins with the pinned one and goes on one by one, over a change of keys", () => {
    const third = signedRoot({ number: 3, roles: twoRoots }, { root2: keys.root2 });
    expect(followRoots(trustedRoot(), [handOver, third]).document.number).toBe(3);
  });

  it.each<[string, string, () => unknown]>([
    ["another root than the pinned one", "root-chain", () => pinRoot(signedRoot(), "0".repeat(64))],
    ["a gap", "root-chain", () => nextRoot(trustedRoot(), signedRoot({ number: 3 }))],
    [
      "a repeated number",
      "root-chain",
      () => nextRoot(trustedRoot(), signedRoot({ createdAt: "2026-11-01T09:00:00Z" })),
    ],
    [
      "signed by the new keys only",
      "threshold",
      () => nextRoot(trustedRoot(), signedRoot({ number: 2, roles: twoRoots }, { root2: keys.root2 })),
    ],
    [
      "signed by the old keys only",
      "threshold",
      () => nextRoot(trustedRoot(), signedRoot({ number: 2, roles: twoRoots })),
    ],
    ["another fleet", "fleet", () => nextRoot(trustedRoot(), signedRoot({ number: 2, fleet: "ships" }))],
    ["a threshold met by one key under two names", "threshold", () => trustedRoot(twins())],
    [
      "a role with a key that is not there",
      "schema",
      () => trustedRoot({ roles: { ...rootDocument().roles, site: { keys: ["nobody"], threshold: 1 } } }),
    ],
    [
      "a role that this version does not do",
      "unsupported",
      () => trustedRoot({ roles: { ...rootDocument().roles, move: { keys: ["site"], threshold: 1 } } }),
    ],
  ])("refuses %s: %s", (_title, expected, run) => {
    expect(code(run)).toBe(expected);
  });
});

describe("a site record", () => {
  const self = { site: "s-1", reportKey: line(keys.report), held: null };

  it("is taken by the site that it names", () => {
    expect(acceptRecord(signedSite(), self, trustedRoot()).number).toBe(1);
  });

  it.each<[string, string, () => unknown]>([
    ["of another site", "record", () => openRecord(signedSite({ id: "s-2" }), "s-1", trustedRoot())],
    [
      "without this site's key",
      "record",
      () => acceptRecord(signedSite({ reportKeys: [line(keys.stranger)] }), self, trustedRoot()),
    ],
    [
      "older than the one held",
      "record",
      () =>
        acceptRecord(
          signedSite(),
          { ...self, held: openRecord(signedSite({ number: 2 }), "s-1", trustedRoot()) },
          trustedRoot(),
        ),
    ],
    ["by a stranger", "threshold", () => openRecord(signedSite({}, keys.stranger), "s-1", trustedRoot())],
    ["that needs a newer root", "root-chain", () => openRecord(signedSite({ root: 2 }), "s-1", trustedRoot())],
    ["of another fleet", "fleet", () => openRecord(signedSite({ fleet: "ships" }), "s-1", trustedRoot())],
    [
      "with what this version does not do",
      "unsupported",
      () => openRecord(signedSite({ retired: true }), "s-1", trustedRoot()),
    ],
  ])("is refused %s: %s", (_title, expected, run) => {
    expect(code(run)).toBe(expected);
  });
});

it("a pinned root is read by its exact bytes", () => {
  const document = signedRoot();
  expect(pinRoot(document, sha256Hex(document.body)).document.fleet).toBe("shops");
});

function twins(): Parameters<typeof trustedRoot>[0] {
  return {
    keys: { ...rootDocument().keys, again: line(keys.site) },
    roles: { ...rootDocument().roles, site: { keys: ["site", "again"], threshold: 2 } },
  };
}
