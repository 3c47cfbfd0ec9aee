/** DSSE envelopes as cosign and key services make them. */
import { constants, sign } from "node:crypto";
import { PAYLOAD_TYPE, PREDICATE_TYPE, preAuthentication } from "../../../shared/node/dsse.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { PrivateKey } from "../../../shared/node/ssh-key.ts";

const KIND = "skerry-bundle@v1";

/** The keys in the order of Go's encoder, as cosign writes them. */
export function statement(document: Uint8Array, changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType: PREDICATE_TYPE,
    subject: [{ name: "bundle.json", digest: { sha256: sha256Hex(document) } }],
    predicate: { kind: KIND },
    ...changes,
  });
}

export function envelope(
  payload: string | Uint8Array,
  signers: readonly PrivateKey[],
  payloadType = PAYLOAD_TYPE,
): string {
  const bytes = Buffer.from(payload);
  const signatures = signers.map((key) => ({ keyid: "", sig: raw(preAuthentication(payloadType, bytes), key) }));
  return JSON.stringify({ payloadType, payload: bytes.toString("base64"), signatures });
}

function raw(bytes: Uint8Array, { public: { type }, keyObject }: PrivateKey): string {
  const hash = type === "ssh-ed25519" ? null : type === "ecdsa-sha2-nistp384" ? "sha384" : "sha256";
  return sign(hash, bytes, keyObject).toString("base64");
}

/** RSA as Google's key service signs by default. */
export function pssEnvelope(payload: string, { keyObject }: PrivateKey, saltLength: number, hash = "sha256"): string {
  const bytes = Buffer.from(payload);
  const key = { key: keyObject, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  const sig = sign(hash, preAuthentication(PAYLOAD_TYPE, bytes), key).toString("base64");
  return JSON.stringify({ payloadType: PAYLOAD_TYPE, payload: bytes.toString("base64"), signatures: [{ sig }] });
}
