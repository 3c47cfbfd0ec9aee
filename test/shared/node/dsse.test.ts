import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { inWords } from "../../../shared/errors.ts";
import { PAYLOAD_TYPE, preAuthentication, verifyDsse } from "../../../shared/node/dsse.ts";
import { type PublicKey, parsePublicKey, publicKeyOf } from "../../../shared/node/ssh-key.ts";
import { ed25519FromSeed } from "../../../shared/node/ssh-private-key.ts";
import { thrownBy } from "../../support/thrown.ts";
import { Authenticator } from "./authenticator.ts";
import { envelope, pssEnvelope, statement } from "./envelope.ts";
import { refusal } from "./ssh-keygen.ts";

const KIND = "skerry-bundle@v1";
const DOCUMENT = Buffer.from('{"fleet":"shops"}\n');
const ada = ed25519FromSeed(Buffer.alloc(32, 1));
const eve = ed25519FromSeed(Buffer.alloc(32, 6));
const made = [
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("ec", { namedCurve: "P-256" }),
  generateKeyPairSync("ec", { namedCurve: "P-384" }),
  generateKeyPairSync("rsa", { modulusLength: 2048 }),
].map(({ privateKey }) => ({ public: publicKeyOf(privateKey), keyObject: privateKey }));
const [, p256 = ada, p384 = ada, rsa = ada] = made;

const signers = (text: string, keys: readonly PublicKey[] = [ada.public], kind = KIND) =>
  verifyDsse(DOCUMENT, text, kind, keys);
const check = (text: string, keys?: readonly PublicKey[]) => refusal(() => signers(text, keys));
const GOOD = envelope(statement(DOCUMENT), [ada]);

it("encodes as the specification's own example does", () => {
  const text = Buffer.from(preAuthentication("http://example.com/HelloWorld", Buffer.from("hello world"))).toString();
  expect(text).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
});

describe.each(made.map((key) => ({ type: key.public.type, key })))("with a key of type $type", ({ key }) => {
  it("names the candidate that signed, in both versions of the statement", () => {
    const v1 = statement(DOCUMENT, { _type: "https://in-toto.io/Statement/v1" });
    for (const payload of [statement(DOCUMENT), v1]) {
      expect(signers(envelope(payload, [key]), [eve.public, key.public])).toEqual([key.public]);
    }
  });

  it("names nobody where the payload, the payload's type or the signature was changed", () => {
    const good = JSON.parse(envelope(statement(DOCUMENT), [key]));
    const sig = Buffer.from(good.signatures[0].sig, "base64");
    for (let at = 0; at < sig.length; at++) {
      const flipped = Buffer.from(sig);
      flipped.writeUInt8((flipped[at] ?? 0) ^ (1 << (at % 8)), at);
      const text = JSON.stringify({ ...good, signatures: [{ sig: flipped.toString("base64") }] });
      expect(signers(text, [key.public])).toEqual([]);
    }
    for (const cut of [sig.subarray(1), sig.subarray(0, -1), Buffer.concat([sig, Buffer.of(0)]), Buffer.alloc(0)]) {
      const text = JSON.stringify({ ...good, signatures: [{ sig: cut.toString("base64") }] });
      expect(signers(text, [key.public])).toEqual([]);
    }
    const other = Buffer.from(statement(DOCUMENT, { extra: 1 })).toString("base64");
    expect(signers(JSON.stringify({ ...good, payload: other }), [key.public])).toEqual([]);
  });

  it("does not take the bare payload's signature for the envelope's", () => {
    const payload = Buffer.from(statement(DOCUMENT));
    const hash = key.public.type === "ssh-ed25519" ? null : key === p384 ? "sha384" : "sha256";
    const sig = sign(hash, payload, key.keyObject).toString("base64");
    const text = JSON.stringify({
      payloadType: PAYLOAD_TYPE,
      payload: payload.toString("base64"),
      signatures: [{ sig }],
    });
    expect(signers(text, [key.public])).toEqual([]);
  });
});

describe("algorithms", () => {
  it("takes RSA with SHA-256, PKCS #1 v1.5 or PSS with a salt of 32 bytes, and no other", () => {
    const payload = statement(DOCUMENT);
    expect(signers(pssEnvelope(payload, rsa, 32), [rsa.public])).toEqual([rsa.public]);
    expect(signers(pssEnvelope(payload, rsa, 0), [rsa.public])).toEqual([]);
    expect(signers(pssEnvelope(payload, rsa, 32, "sha1"), [rsa.public])).toEqual([]);
    expect(signers(pssEnvelope(payload, rsa, 64, "sha512"), [rsa.public])).toEqual([]);
  });

  it("takes each curve with the hash of its size, in DER", () => {
    const bytes = preAuthentication(PAYLOAD_TYPE, Buffer.from(statement(DOCUMENT)));
    const payload = Buffer.from(statement(DOCUMENT)).toString("base64");
    const of = (sig: Buffer) =>
      JSON.stringify({ payloadType: PAYLOAD_TYPE, payload, signatures: [{ sig: sig.toString("base64") }] });
    expect(signers(of(sign("sha256", bytes, p256.keyObject)), [p256.public])).toHaveLength(1);
    expect(signers(of(sign("sha384", bytes, p256.keyObject)), [p256.public])).toEqual([]);
    expect(signers(of(sign("sha256", bytes, p384.keyObject)), [p384.public])).toEqual([]);
    const halves = sign("sha256", bytes, { key: p256.keyObject, dsaEncoding: "ieee-p1363" });
    expect(signers(of(halves), [p256.public])).toEqual([]);
  });

  it("takes no key in a token: an envelope does not say that it was touched", () => {
    const token = new Authenticator("sk-ecdsa-sha2-nistp256@openssh.com");
    const inToken = parsePublicKey(token.publicLine);
    const text = envelope(statement(DOCUMENT), [{ ...p256, keyObject: token.secret }]);
    expect(signers(text, [token.plain])).toEqual([token.plain]);
    expect(signers(text, [inToken])).toEqual([]);
  });
});

describe("what it authorises", () => {
  it.each<[string, string, Record<string, unknown>, RegExp]>([
    [
      "a scan result",
      "signature",
      { predicateType: "https://cosign.sigstore.dev/attestation/vuln/v1" },
      /vuln\/v1, which/,
    ],
    [
      "provenance",
      "signature",
      { predicateType: "https://slsa.dev/provenance/v1" },
      /provenance\/v1, which authorises/,
    ],
    ["a later version", "signature", { predicateType: "https://skerry.dev/authorise/v2" }, /authorise\/v2, which/],
    ["another kind", "signature", { predicate: { kind: "skerry-root@v1" } }, /for skerry-root@v1, not for skerry-b/],
    ["no kind", "schema", { predicate: {} }, /kind/],
    ["more than a kind", "schema", { predicate: { kind: KIND, until: "tomorrow" } }, /until/],
    [
      "what cosign makes of a custom predicate",
      "schema",
      { predicate: { Data: "{}", Timestamp: "" } },
      /unknown key "Data"/,
    ],
    ["other bytes", "signature", { subject: [{ digest: { sha256: "00" } }] }, /for other bytes/],
    ["another hash", "signature", { subject: [{ digest: { sha512: "00" } }] }, /for other bytes/],
    ["nothing", "signature", { subject: [] }, /for other bytes/],
    ["a link", "schema", { _type: "https://in-toto.io/Statement/v2" }, /_type/],
  ])("refuses %s: %s", (_title, code, changes, words) => {
    const text = envelope(statement(DOCUMENT, changes), [ada]);
    expect(check(text)).toBe(code);
    expect(inWords(thrownBy(() => signers(text)))).toMatch(words);
  });

  it("takes a document among several subjects, and keys that the statement may have", () => {
    const subject = [{ digest: { sha256: "00" } }, ...JSON.parse(statement(DOCUMENT)).subject];
    expect(signers(envelope(statement(DOCUMENT, { subject, more: {} }), [ada]))).toEqual([ada.public]);
  });

  it("judges nothing that no candidate signed", () => {
    expect(signers(envelope("not even JSON", [eve]))).toEqual([]);
  });

  it("is for exactly these bytes and this kind", () => {
    expect(signers(GOOD)).toEqual([ada.public]);
    expect(refusal(() => verifyDsse(Buffer.from('{"fleet":"shopz"}\n'), GOOD, KIND, [ada.public]))).toBe("signature");
    expect(refusal(() => signers(GOOD, [ada.public], "skerry-site@v1"))).toBe("signature");
  });
});

describe("form", () => {
  const parsed = JSON.parse(GOOD);
  const changed = (changes: Readonly<Record<string, unknown>>) => JSON.stringify({ ...parsed, ...changes });

  it("may have any layout and unknown keys, as DSSE asks of readers", () => {
    expect(signers(JSON.stringify({ ...parsed, extra: [1] }, undefined, 2))).toEqual([ada.public]);
    expect(signers(`${GOOD}\r\n`)).toEqual([ada.public]);
  });

  it("may hold several signatures, also of strangers, and each signer once", () => {
    const text = envelope(statement(DOCUMENT), [eve, ada, ada]);
    expect(signers(text)).toEqual([ada.public]);
    expect(signers(text, [ada.public, eve.public])).toEqual([ada.public, eve.public]);
    expect(check(envelope(statement(DOCUMENT), Array(9).fill(ada)))).toBe("schema");
  });

  it.each<[string, string, string]>([
    ["no JSON", "{", "malformed"],
    ["a list", "[]", "schema"],
    ["deep nesting", `{"a":${"[".repeat(8000)}${"]".repeat(8000)}}`, "schema"],
    ["no signatures", changed({ signatures: [] }), "schema"],
    ["another payload type", changed({ payloadType: "application/json" }), "schema"],
    ["base64 with a line end", changed({ payload: `${parsed.payload}\n` }), "malformed"],
    ["base64 without padding", changed({ payload: `${parsed.payload}A` }), "malformed"],
    ["a signature that is not base64", changed({ signatures: [{ sig: "§" }] }), "malformed"],
    ["a signature that is a number", changed({ signatures: [{ sig: 1 }] }), "schema"],
    ["a key twice", GOOD.replace("{", `{"payloadType":"${PAYLOAD_TYPE}",`), "malformed"],
    ["a key twice, once escaped", GOOD.replace("{", `{"payloadTyp\\u0065":"x",`), "malformed"],
    ["another alphabet than ASCII", changed({ note: "für" }), "malformed"],
    ["over 16 KiB", changed({ note: "x".repeat(16 * 1024) }), "too-large"],
  ])("refuses %s", (_title, text, code) => {
    expect(check(text)).toBe(code);
  });

  it("refuses a statement with a key twice: readers would differ on what was signed", () => {
    const twice = statement(DOCUMENT).replace("{", '{"predicateType":"https://slsa.dev/provenance/v1",');
    expect(check(envelope(twice, [ada]))).toBe("malformed");
    expect(check(envelope(statement(DOCUMENT).replace('"kind"', '"kind":"x","kind"'), [ada]))).toBe("malformed");
  });

  it("knows a key from a text that looks like one", () => {
    const tricky = statement(DOCUMENT, { note: '{"a":1,"a":2}', "a\\": "b\\", list: ["x:", "y"] });
    expect(signers(envelope(tricky, [ada]))).toEqual([ada.public]);
  });

  it("refuses a statement that is not UTF-8", () => {
    const payload = Buffer.from([0x7b, 0xff]);
    const sig = sign(null, preAuthentication(PAYLOAD_TYPE, payload), ada.keyObject).toString("base64");
    expect(check(changed({ payload: payload.toString("base64"), signatures: [{ sig }] }))).toBe("malformed");
  });
});
