import { describe, expect, it } from "vitest";
import { BUNDLE_NAMESPACE } from "../../../shared/bundle.ts";
import { inWords } from "../../../shared/errors.ts";
import { isTokenKey, type PrivateKey, type PublicKey, parsePublicKey } from "../../../shared/node/ssh-key.ts";
import { signSsh } from "../../../shared/node/sshsig.ts";
import { openManifest } from "../../../shared/verify/bundle.ts";
import { nextRoot } from "../../../shared/verify/root.ts";
import { requireThreshold } from "../../../shared/verify/threshold.ts";
import { keys, line, rootDocument, signedBundle, signedRoot, trustedRoot } from "../../support/fleet.ts";
import { thrownBy } from "../../support/thrown.ts";
import { Authenticator } from "../node/authenticator.ts";
import { envelope, statement } from "../node/envelope.ts";
import { refusal } from "../node/ssh-keygen.ts";

const BODY = Buffer.from('{"fleet":"shops"}\n');
const token = new Authenticator("sk-ecdsa-sha2-nistp256@openssh.com");
const inToken = parsePublicKey(token.publicLine);
const outside: PrivateKey = { public: plain(token.plain), keyObject: token.secret };

const armored = {
  token: token.sign(BODY, BUNDLE_NAMESPACE),
  untouched: token.sign(BODY, BUNDLE_NAMESPACE, { flags: 0 }),
  outside: signSsh(BODY, BUNDLE_NAMESPACE, outside),
  envelope: envelope(statement(BODY), [outside]),
  pos: signSsh(BODY, BUNDLE_NAMESPACE, keys.pos),
  posEnvelope: envelope(statement(BODY), [keys.pos]),
  both: envelope(statement(BODY), [outside, keys.pos]),
  scan: envelope(statement(BODY, { predicateType: "https://cosign.sigstore.dev/attestation/vuln/v1" }), [keys.pos]),
  stranger: envelope(statement(BODY), [keys.stranger]),
};

function judge(named: readonly PublicKey[], threshold: number, ...signatures: (keyof typeof armored)[]) {
  const document = { body: BODY, signatures: new Map(signatures.map((name) => [name, armored[name]])) };
  const signers = { title: "role site", keys: named, names: ["ada"], threshold };
  return refusal(() => requireThreshold(document, BUNDLE_NAMESPACE, signers, "bundle.json"));
}

describe("one key in several forms", () => {
  const forms = [inToken, token.plain, keys.pos.public];

  it("counts once, however often and however it signs", () => {
    expect(judge(forms, 1, "token")).toBe("accepted");
    expect(judge(forms, 2, "token", "outside", "envelope")).toBe("threshold");
    expect(judge(forms, 2, "token", "pos")).toBe("accepted");
    expect(judge(forms, 2, "pos", "posEnvelope")).toBe("threshold");
    expect(judge(forms, 2, "envelope", "pos")).toBe("accepted");
    expect(judge(forms, 2, "both")).toBe("accepted");
    expect(judge(forms, 3, "both", "token", "outside", "pos")).toBe("threshold");
  });

  it("counts only in the forms that are named: the touch cannot be left out", () => {
    expect(judge([inToken], 1, "token")).toBe("accepted");
    expect(judge([inToken], 1, "outside")).toBe("threshold");
    expect(judge([inToken], 1, "envelope")).toBe("threshold");
    expect(judge([inToken], 1, "untouched")).toBe("signature");
    expect(judge([token.plain], 1, "token")).toBe("threshold");
    expect(judge([token.plain], 1, "outside")).toBe("accepted");
  });

  it("cannot fill a threshold in a root", () => {
    const named = { ...rootDocument().keys, desk: token.publicLine, vault: line(outside) };
    const roles = { ...rootDocument().roles, site: { keys: ["desk", "vault"], threshold: 2 } };
    expect(refusal(() => trustedRoot({ keys: named, roles }))).toBe("threshold");
    expect(
      refusal(() => trustedRoot({ keys: named, roles: { ...roles, site: { keys: ["desk"], threshold: 1 } } })),
    ).toBe("accepted");
  });
});

describe("an envelope", () => {
  it("of a stranger counts for nothing and stops nothing", () => {
    expect(judge([keys.pos.public], 1, "stranger")).toBe("threshold");
    expect(judge([keys.pos.public], 1, "stranger", "pos")).toBe("accepted");
  });

  it("with a scan result by a trusted key authorises nothing, and says so", () => {
    expect(judge([keys.pos.public], 1, "scan")).toBe("signature");
    expect(judge([keys.pos.public], 1, "scan", "pos")).toBe("accepted");
    const document = { body: BODY, signatures: new Map([["pos", armored.scan]]) };
    const signers = { title: "bundles pos*", keys: [keys.pos.public], names: ["pos"], threshold: 1 };
    const words = inWords(thrownBy(() => requireThreshold(document, BUNDLE_NAMESPACE, signers, "bundle.json")));
    expect(words).toMatch(
      /^signature: signature of pos: signed as .*vuln\/v1, which authorises nothing \(bundle\.json\); /,
    );
  });

  it("opens a manifest and a root of which it names the kind, and no other", () => {
    const { body } = signedBundle().document;
    const of = (kind: string, signer: PrivateKey, bytes: Uint8Array) => ({
      body: bytes,
      signatures: new Map([["kms", envelope(statement(bytes, { predicate: { kind } }), [signer])]]),
    });
    expect(openManifest(of("skerry-bundle@v1", keys.pos, body), "pos", trustedRoot()).manifest.name).toBe("pos");
    expect(refusal(() => openManifest(of("skerry-site@v1", keys.pos, body), "pos", trustedRoot()))).toBe("signature");
    const second = signedRoot({ number: 2 }).body;
    expect(nextRoot(trustedRoot(), of("skerry-root@v1", keys.root, second)).document.number).toBe(2);
    expect(refusal(() => nextRoot(trustedRoot(), of("skerry-bundle@v1", keys.root, second)))).toBe("signature");
  });
});

it("reads no more than 32 signatures", () => {
  const signatures = new Map(Array.from({ length: 33 }, (_, n) => [`k${n}`, armored.pos]));
  const signers = { title: "role site", keys: [keys.pos.public], names: ["pos"], threshold: 1 };
  const open = () => requireThreshold({ body: BODY, signatures }, BUNDLE_NAMESPACE, signers, "bundle.json");
  expect(refusal(open)).toBe("too-large");
});

function plain(key: PublicKey): PrivateKey["public"] {
  if (isTokenKey(key)) throw new Error("not plain");
  return key;
}
