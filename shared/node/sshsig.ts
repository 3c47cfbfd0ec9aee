/**
 * Detached signatures as `ssh-keygen -Y sign` makes them (OpenSSH, PROTOCOL.sshsig). The namespace keeps a signature that
 * was made for one purpose from counting for another.
 */
import { createHash } from "node:crypto";
import { AppError } from "../errors.ts";
import { armor, dearmor } from "./armor.ts";
import { type PrivateKey, type PublicKey, publicKeyFromWire } from "./ssh-key.ts";
import { signBlob, verifyBlob } from "./ssh-signature.ts";
import { WireReader, wireString, wireUint32 } from "./ssh-wire.ts";

export type MessageHash = "sha256" | "sha512";

const MAGIC = "SSHSIG";
const VERSION = 1;
const LABEL = "SSH SIGNATURE";

/** The bytes that the key signs: magic, namespace, reserved, name of the hash, hash of the message. */
export function preimage(namespace: string, hash: MessageHash, message: Uint8Array): Uint8Array {
  if (namespace === "") throw new AppError("internal", "a signature needs a namespace");
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([Buffer.from(MAGIC), ...[namespace, "", hash, digest].map(wireString)]);
}

/** An armored signature with SHA-512, as `ssh-keygen -Y sign -n NAMESPACE` writes it. */
export function signSsh(message: Uint8Array, namespace: string, key: PrivateKey): string {
  const signature = signBlob(preimage(namespace, "sha512", message), key);
  const fields = [key.public.wire, namespace, "", "sha512", signature].map(wireString);
  return armor(LABEL, Buffer.concat([Buffer.from(MAGIC), wireUint32(VERSION), ...fields]));
}

/**
 * The key that signed. Whether that key is trusted is for the caller to judge. Throws `signature` (does not hold for
 * these bytes and this namespace), `malformed`, `key`, `unsupported`, `too-large` (armor over 16 KiB).
 */
export function verifySsh(message: Uint8Array, armored: string, namespace: string): PublicKey {
  const parts = parse(armored);
  if (parts.namespace !== namespace) {
    throw new AppError("signature", `signed for ${parts.namespace.slice(0, 60)}, not for ${namespace}`, {
      fix: `sign with \`ssh-keygen -Y sign -n ${namespace}\``,
    });
  }
  const key = publicKeyFromWire(parts.publicKey);
  verifyBlob(preimage(namespace, parts.hash, message), parts.signature, key);
  return key;
}

interface Parts {
  publicKey: Uint8Array;
  namespace: string;
  hash: MessageHash;
  signature: Uint8Array;
}

function parse(armored: string): Parts {
  const reader = new WireReader(dearmor(LABEL, armored, "signature"), "signature");
  if (reader.raw(MAGIC.length).toString("latin1") !== MAGIC) throw new AppError("malformed", "not an SSH signature");
  const version = reader.uint32();
  if (version !== VERSION) throw new AppError("unsupported", `SSH signatures of version ${version} are not supported`);
  const publicKey = reader.string();
  const namespace = reader.text();
  const reserved = reader.string();
  const hash = reader.text();
  const signature = reader.string();
  reader.end();
  // OpenSSH ignores this field and verifies as if it were empty. One who fills it means something by it that we would
  // overlook, and as it is not signed anybody could fill it: a second form of one signature, which nobody needs.
  if (reserved.length > 0) throw new AppError("unsupported", "the signature's reserved field is not empty");
  if (hash !== "sha256" && hash !== "sha512") {
    throw new AppError("unsupported", `signatures over ${hash.slice(0, 60)} are not supported`, {
      fix: "sign with sha512 (`ssh-keygen -Y sign -O hashalg=sha512`)",
    });
  }
  return { publicKey, namespace, hash, signature };
}
