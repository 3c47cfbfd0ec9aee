/**
 * Signatures as supply chain tools and key services make them: a DSSE envelope (secure-systems-lab DSSE 1.0.2) around
 * an in-toto statement that names the document by its hash. Counts only what says that it authorises this kind of
 * document: a scan result that the same key signed authorises nothing.
 */
import { constants, type VerifyKeyObjectInput, verify } from "node:crypto";
import * as z from "zod/mini";
import { AppError } from "../errors.ts";
import { parseAs } from "../parse.ts";
import { parseJsonOnce } from "./json-once.ts";
import { sha256Hex } from "./sha256.ts";
import { isTokenKey, type PlainKey, type PublicKey } from "./ssh-key.ts";
import { strictBase64 } from "./ssh-wire.ts";

export const PAYLOAD_TYPE = "application/vnd.in-toto+json";
export const PREDICATE_TYPE = "https://skerry.dev/authorise/v1";

/** As of a signature in armor. */
const MAX_CHARS = 16 * 1024;
/** Each is tried with each key of the role. */
const MAX_SIGNATURES = 8;

// Of the envelope and the statement, which are other people's formats, unknown keys are passed over, as both ask of
// readers; of the predicate, which is ours, they are refused.
const envelope = z.object({
  payloadType: z.literal(PAYLOAD_TYPE),
  payload: z.string(),
  signatures: z.array(z.object({ sig: z.string() })).check(z.minLength(1), z.maxLength(MAX_SIGNATURES)),
});
const statement = z.object({
  // cosign still writes the form before 1.0, which has the same keys.
  _type: z.enum(["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })),
  predicateType: z.string(),
  predicate: z.unknown(),
});
const predicate = z.strictObject({ kind: z.string() });

/** The bytes that a key signs: DSSE's pre-authentication encoding. */
export function preAuthentication(payloadType: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/**
 * Those of `candidates` that signed this document as one of this kind (`skerry-bundle@v1`). None, where no candidate
 * signed: an envelope does not say by whom it is, so that a broken signature cannot be told from a stranger's. Keys in
 * security tokens sign no envelopes. Throws `too-large` (over 16 KiB), `malformed`, `schema`; `signature` where a
 * candidate signed something else.
 */
export function verifyDsse(
  document: Uint8Array,
  text: string,
  kind: string,
  candidates: readonly PublicKey[],
): PublicKey[] {
  if (text.length > MAX_CHARS) throw new AppError("too-large", `the envelope has more than ${MAX_CHARS} characters`);
  // Every reader of files decodes ASCII alike.
  if (!/^[\t\n\r\x20-\x7e]*$/.test(text)) throw new AppError("malformed", "the envelope is not ASCII");
  const { payloadType, payload, signatures } = parseAs(envelope, parseJsonOnce(text, "envelope"), "envelope");
  const bytes = strictBase64(payload, "payload of the envelope");
  const signed = preAuthentication(payloadType, bytes);
  const blobs = signatures.map(({ sig }) => strictBase64(sig, "signature in the envelope"));
  const signers = candidates.filter((key) => !isTokenKey(key) && blobs.some((blob) => holds(signed, blob, key)));
  if (signers.length > 0) requireStatement(bytes, document, kind);
  return signers;
}

function requireStatement(payload: Uint8Array, document: Uint8Array, kind: string): void {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch (cause) {
    throw new AppError("malformed", "the statement is not UTF-8", { cause });
  }
  const said = parseAs(statement, parseJsonOnce(text, "statement"), "statement");
  if (said.predicateType !== PREDICATE_TYPE) {
    throw new AppError("signature", `signed as ${said.predicateType.slice(0, 120)}, which authorises nothing`, {
      fix: `sign a statement with the predicateType ${PREDICATE_TYPE}`,
    });
  }
  const authorised = parseAs(predicate, said.predicate, "statement /predicate");
  if (authorised.kind !== kind) {
    throw new AppError("signature", `signed for ${authorised.kind.slice(0, 60)}, not for ${kind}`, {
      fix: `sign a statement with the predicate {"kind":"${kind}"}`,
    });
  }
  const digest = sha256Hex(document);
  if (!said.subject.some((subject) => Object.hasOwn(subject.digest, "sha256") && subject.digest["sha256"] === digest)) {
    throw new AppError("signature", `signed for other bytes: no subject has the sha256 ${digest}`);
  }
}

/**
 * What cosign and the key services make with each kind of key: ed25519 over the bytes; ECDSA in DER with the hash of
 * the curve's size; RSA with SHA-256, PKCS #1 v1.5 or PSS with a salt as long as the hash.
 */
function holds(data: Uint8Array, signature: Buffer, key: PlainKey): boolean {
  const { keyObject: object } = key;
  switch (key.type) {
    case "ssh-ed25519":
      return verifies(null, data, { key: object }, signature);
    case "ecdsa-sha2-nistp256":
      return verifies("sha256", data, { key: object, dsaEncoding: "der" }, signature);
    case "ecdsa-sha2-nistp384":
      return verifies("sha384", data, { key: object, dsaEncoding: "der" }, signature);
    case "ssh-rsa": {
      const pss = { key: object, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      return verifies("sha256", data, { key: object }, signature) || verifies("sha256", data, pss, signature);
    }
  }
}

/** OpenSSL throws on some broken signatures where it should answer no. */
function verifies(hash: string | null, data: Uint8Array, key: VerifyKeyObjectInput, signature: Buffer): boolean {
  try {
    return verify(hash, data, key, signature);
  } catch {
    return false;
  }
}
