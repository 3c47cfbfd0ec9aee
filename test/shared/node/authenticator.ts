/**
 * A security token in software, after PROTOCOL.u2f of OpenSSH: there is no hardware where tests run. That stock
 * ssh-keygen verifies what it signs is what proves it right.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { armor } from "../../../shared/node/armor.ts";
import { type PublicKey, publicKeyOf, type TokenType } from "../../../shared/node/ssh-key.ts";
import { wireMpint, wireString, wireUint32 } from "../../../shared/node/ssh-wire.ts";
import { preimage } from "../../../shared/node/sshsig.ts";

export const TOKEN_TYPES = ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"] as const;

export interface Touch {
  /** 0x01 touched, 0x04 PIN or finger checked. */
  flags?: number;
  counter?: number;
  /** Of the application that the token hashes, where it is not that of the key. */
  application?: string;
  algorithm?: string;
  /** After the counter. */
  after?: string;
}

export class Authenticator {
  readonly type: TokenType;
  readonly application: string;
  /** The same key as one that is in no token. */
  readonly plain: PublicKey;
  readonly #secret: KeyObject;

  constructor(type: TokenType, application = "ssh:") {
    this.type = type;
    this.application = application;
    const { privateKey } =
      type === "sk-ssh-ed25519@openssh.com"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#secret = privateKey;
    this.plain = publicKeyOf(privateKey);
  }

  get secret(): KeyObject {
    return this.#secret;
  }

  /** `string type`, the fields of the plain kind, `string application`. */
  get wire(): Buffer {
    const fields = Buffer.from(this.plain.wire).subarray(wireString(this.plain.type).length);
    return Buffer.concat([wireString(this.type), fields, wireString(this.application)]);
  }

  get publicLine(): string {
    return `${this.type} ${this.wire.toString("base64")}`;
  }

  sign(message: Uint8Array, namespace: string, touch: Touch = {}): string {
    const { flags = 0x01, counter = 7, application = this.application, algorithm = this.type, after = "" } = touch;
    const tail = Buffer.concat([Buffer.of(flags), wireUint32(counter)]);
    const signed = Buffer.concat([sha256(application), tail, sha256(preimage(namespace, "sha512", message))]);
    const signature = Buffer.concat([wireString(algorithm), wireString(this.#raw(signed)), tail, Buffer.from(after)]);
    const fields = [this.wire, namespace, "", "sha512", signature].map(wireString);
    return armor("SSH SIGNATURE", Buffer.concat([Buffer.from("SSHSIG"), wireUint32(1), ...fields]));
  }

  #raw(signed: Uint8Array): Buffer {
    if (this.type === "sk-ssh-ed25519@openssh.com") return sign(null, signed, this.#secret);
    const both = sign("sha256", signed, { key: this.#secret, dsaEncoding: "ieee-p1363" });
    return Buffer.concat([wireMpint(both.subarray(0, 32)), wireMpint(both.subarray(32))]);
  }
}

function sha256(value: Uint8Array | string): Buffer {
  return createHash("sha256").update(value).digest();
}
