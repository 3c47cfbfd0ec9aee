import { describe, expect, it } from "vitest";
import { AppError } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { Delegation } from "../../../shared/root.ts";
import { nextRoot, pinRoot } from "../../../shared/verify/root.ts";
import { keys, line, rootDocument, signedRoot, trustedRoot } from "../../support/fleet.ts";

function refusal(run: () => unknown): { code: string; where: string | undefined } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, where: error.where };
  }
  throw new Error("it was accepted");
}

const roles = rootDocument().roles;
const twoRoots = { ...roles, root: { keys: ["root2"], threshold: 1 } };
const [hub] = rootDocument().hubs;
const delegation: Delegation = {
  pattern: "pos",
  keys: ["pos"],
  threshold: 1,
  epoch: 1,
  namespaces: ["shop"],
  kinds: ["*"],
};

describe("a root that follows", () => {
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
    ["signatures of one key under two names", "threshold", () => nextRoot(trustedRoot(twins()), signedTwice())],
  ])("is refused: %s: %s", (_title, code, run) => {
    expect(refusal(run).code).toBe(code);
  });
});

describe("a root as a document", () => {
  it.each<[string, string, string, Parameters<typeof trustedRoot>[0]]>([
    [
      "a threshold that one key under two names would meet",
      "threshold",
      "root/1.json /roles/site",
      {
        keys: { ...rootDocument().keys, again: line(keys.site) },
        roles: { ...roles, site: { keys: ["site", "again"], threshold: 2 } },
      },
    ],
    [
      "a role with a key that is not there",
      "schema",
      "root/1.json /roles/site",
      { roles: { ...roles, site: { keys: ["nobody"], threshold: 1 } } },
    ],
    [
      "two delegations of one pattern",
      "schema",
      "root /bundles/1",
      { bundles: [delegation, { ...delegation, epoch: 2 }] },
    ],
    ["a hub twice", "schema", "root /hubs/1", { hubs: [hub, hub].flatMap((each) => each ?? []) }],
    ["the role head without how old a head may be", "schema", "root /head", { roles: { ...roles, head: roles.site } }],
    ["how old a head may be without the role", "schema", "root /head", { head: { freshFor: "2d" } }],
    [
      "a head that is never fresh",
      "schema",
      "root /head/freshFor",
      { roles: { ...roles, head: roles.site }, head: { freshFor: "0s" } },
    ],
    [
      "the agent's home for one signer",
      "threshold",
      "root/1.json /bundles/0/threshold",
      { bundles: [{ ...delegation, namespaces: ["shop", "skerry-system"] }] },
    ],
    ...[
      "ClusterRoleBinding.rbac.authorization.k8s.io",
      "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    ].map((kind): [string, string, string, Parameters<typeof trustedRoot>[0]] => [
      `${kind} for one signer`,
      "threshold",
      "root/1.json /bundles/1/threshold",
      { bundles: [delegation, { ...delegation, pattern: "pos*", kinds: ["*", kind] }] },
    ]),
  ])("is refused with %s: %s", (_title, code, where, changes) => {
    expect(refusal(() => trustedRoot(changes))).toEqual({ code, where });
  });

  it("takes the roles head and move, and the agent's home for two signers", () => {
    const changes = {
      roles: { ...roles, head: { keys: ["head"], threshold: 1 }, move: { keys: ["move"], threshold: 1 } },
      head: { freshFor: "2d" },
      bundles: [
        { ...delegation, keys: ["pos", "pos2"], threshold: 2, namespaces: ["skerry-system"] },
        { ...delegation, pattern: "skerry-*", namespaces: ["skerry-*"], kinds: ["*", "*.rbac.authorization.k8s.io"] },
      ],
    };
    expect(trustedRoot(changes).document.head?.freshFor).toBe("2d");
  });
});

it("a pinned root is read by its exact bytes", () => {
  const document = signedRoot();
  expect(pinRoot(document, sha256Hex(document.body)).document.fleet).toBe("shops");
});

/** Two of three must sign, and two of the three are one. */
function twins(): Parameters<typeof trustedRoot>[0] {
  return {
    keys: { ...rootDocument().keys, again: line(keys.root) },
    roles: { ...roles, root: { keys: ["root", "again", "root2"], threshold: 1 } },
  };
}

function signedTwice() {
  const changes = twins();
  const number = { number: 2, roles: { ...roles, root: { keys: ["root", "again", "root2"], threshold: 2 } } };
  return signedRoot({ ...changes, ...number }, { root: keys.root, again: keys.root });
}
