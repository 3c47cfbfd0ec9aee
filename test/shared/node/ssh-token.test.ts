import { afterAll, describe, expect, it } from "vitest";
import { armor } from "../../../shared/node/armor.ts";
import { formatPublicKey, isTokenKey, parsePublicKey, publicKeyFromWire } from "../../../shared/node/ssh-key.ts";
import { parsePrivateKey } from "../../../shared/node/ssh-private-key.ts";
import { wireString, wireUint32 } from "../../../shared/node/ssh-wire.ts";
import { signSsh, verifySsh } from "../../../shared/node/sshsig.ts";
import { Authenticator, TOKEN_TYPES } from "./authenticator.ts";
import { Keygen, refusal } from "./ssh-keygen.ts";

const keygen = new Keygen();
afterAll(() => keygen.remove());
const NAMESPACE = "skerry-bundle@v1";
const MESSAGE = Buffer.from('{"fleet":"shops"}\n');
const check = (armored: string) => refusal(() => verifySsh(MESSAGE, armored, NAMESPACE));

describe.each(TOKEN_TYPES.map((type) => ({ type })))("a key in a token: $type", ({ type }) => {
  const token = new Authenticator(type);
  const stock =
    (armored: string, of = token) =>
    () =>
      keygen.verify(`${of.publicLine}\n`, NAMESPACE, MESSAGE, armored);

  it("is read and written byte for byte, and known to ssh-keygen", () => {
    const key = parsePublicKey(`${token.publicLine} ada@desk\n`);
    expect(formatPublicKey(key, "ada@desk")).toBe(`${token.publicLine} ada@desk`);
    expect(isTokenKey(key) && key.application).toBe("ssh:");
    expect(keygen.run(["-l", "-f", keygen.write(`${token.publicLine} ada@desk\n`)])).toMatch(/-SK\)/);
  });

  it("has the identity of the same key outside of a token", () => {
    expect(parsePublicKey(token.publicLine).spki).toBe(token.plain.spki);
    expect(parsePublicKey(token.publicLine)).not.toEqual(token.plain);
  });

  it("signs what ssh-keygen and we verify", () => {
    const armored = token.sign(MESSAGE, NAMESPACE);
    expect(stock(armored)()).toContain("Good");
    expect(verifySsh(MESSAGE, armored, NAMESPACE)).toEqual(parsePublicKey(token.publicLine));
    expect(check(token.sign(MESSAGE, NAMESPACE, { flags: 0x05, counter: 0xffffffff }))).toBe("accepted");
  });

  it("counts only when somebody touched the token, which ssh-keygen does not ask for", () => {
    for (const flags of [0x00, 0x04, 0xfe]) {
      const untouched = token.sign(MESSAGE, NAMESPACE, { flags });
      expect(stock(untouched)()).toContain("Good");
      expect(check(untouched)).toBe("signature");
    }
  });

  it("cannot be said to have been touched: the flags and the counter are signed", () => {
    const bytes = Buffer.from(body(token.sign(MESSAGE, NAMESPACE, { flags: 0 })), "base64");
    bytes.writeUInt8(1, bytes.length - 5);
    expect(check(armor("SSH SIGNATURE", bytes))).toBe("signature");
    const counted = Buffer.from(body(token.sign(MESSAGE, NAMESPACE)), "base64");
    counted.writeUInt8(9, counted.length - 1);
    expect(check(armor("SSH SIGNATURE", counted))).toBe("signature");
  });

  it("signs for one message, one namespace, one application", () => {
    const armored = token.sign(MESSAGE, NAMESPACE);
    expect(refusal(() => verifySsh(Buffer.from("{}\n"), armored, NAMESPACE))).toBe("signature");
    expect(refusal(() => verifySsh(MESSAGE, armored, "skerry-root@v1"))).toBe("signature");
    const elsewhere = token.sign(MESSAGE, NAMESPACE, { application: "ssh:other" });
    expect(check(elsewhere)).toBe("signature");
    expect(stock(elsewhere)).toThrow();
  });

  it("was made for SSH: ssh-keygen verifies with a web site's key, we do not", () => {
    for (const application of ["https://example.com", "example.com", "SSH:", ""]) {
      const other = new Authenticator(type, application);
      expect(stock(other.sign(MESSAGE, NAMESPACE), other)()).toContain("Good");
      expect(check(other.sign(MESSAGE, NAMESPACE))).toBe("key");
      expect(refusal(() => parsePublicKey(other.publicLine))).toBe("key");
    }
    const named = new Authenticator(type, "ssh:release");
    expect(check(named.sign(MESSAGE, NAMESPACE))).toBe("accepted");
  });

  it("is refused by name where a browser made the signature", () => {
    const webauthn = token.sign(MESSAGE, NAMESPACE, { algorithm: "webauthn-sk-ecdsa-sha2-nistp256@openssh.com" });
    expect(check(webauthn)).toBe("unsupported");
    const asKey = token.publicLine.replace(type, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com");
    expect(refusal(() => parsePublicKey(asKey))).toBe("key");
  });

  it("takes its own algorithm only, and nothing after the counter", () => {
    expect(check(token.sign(MESSAGE, NAMESPACE, { algorithm: token.plain.type }))).toBe("malformed");
    expect(check(token.sign(MESSAGE, NAMESPACE, { after: "x" }))).toBe("malformed");
  });

  it("is refused when cut anywhere, and with one byte more", () => {
    for (let length = 0; length < token.wire.length; length++) {
      expect(["malformed", "key"]).toContain(refusal(() => publicKeyFromWire(token.wire.subarray(0, length))));
    }
    expect(refusal(() => publicKeyFromWire(Buffer.concat([token.wire, Buffer.of(0)])))).toBe("malformed");
    const signature = Buffer.from(body(token.sign(MESSAGE, NAMESPACE)), "base64");
    for (let length = 0; length < signature.length; length++) {
      expect(check(armor("SSH SIGNATURE", signature.subarray(0, length)))).toBe("malformed");
    }
  });

  it("leaves a private key file of a token to ssh-keygen", () => {
    expect(refusal(() => parsePrivateKey(keyFile(token)))).toBe("key");
    expect(keygen.run(["-y", "-f", keygen.write(keyFile(token))])).toContain(token.publicLine);
  });
});

it("tells a key outside of a token from the same key in it", () => {
  const token = new Authenticator("sk-ecdsa-sha2-nistp256@openssh.com");
  const { plain } = token;
  if (isTokenKey(plain)) throw new Error("not plain");
  const outside = signSsh(MESSAGE, NAMESPACE, { public: plain, keyObject: token.secret });
  expect(verifySsh(MESSAGE, outside, NAMESPACE).type).toBe("ecdsa-sha2-nistp256");
});

function body(armored: string): string {
  return armored.split("\n").slice(1, -2).join("");
}

/** As ssh-keygen writes it: the handle by which the token finds the secret, and no secret. */
function keyFile(token: Authenticator): string {
  const fields = Buffer.from(token.wire).subarray(wireString(token.type).length);
  const handle = [Buffer.of(1), wireString("handle"), wireString(""), wireString("ada@desk")];
  const secret = Buffer.concat([wireUint32(0), wireUint32(0), wireString(token.type), fields, ...handle]);
  const padded = Buffer.concat([secret, Buffer.of(1, 2, 3, 4, 5, 6, 7).subarray(0, -secret.length & 7)]);
  const head = [...["none", "none", ""].map(wireString), wireUint32(1), wireString(token.wire), wireString(padded)];
  return armor("OPENSSH PRIVATE KEY", Buffer.concat([Buffer.from("openssh-key-v1\0"), ...head]));
}
