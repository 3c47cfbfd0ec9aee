import { sign } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { armor, dearmor } from "../../../shared/node/armor.ts";
import { formatPublicKey, parsePublicKey } from "../../../shared/node/ssh-key.ts";
import { ed25519FromSeed, parsePrivateKey } from "../../../shared/node/ssh-private-key.ts";
import { signBlob } from "../../../shared/node/ssh-signature.ts";
import { wireMpint, wireString, wireUint32 } from "../../../shared/node/ssh-wire.ts";
import { preimage, signSsh, verifySsh } from "../../../shared/node/sshsig.ts";
import { ACCEPTED_KINDS, Keygen, refusal } from "./ssh-keygen.ts";

const keygen = new Keygen();
afterAll(() => keygen.remove());
const NAMESPACE = "skerry-bundle@v1";
const LABEL = "SSH SIGNATURE";
const MESSAGE = Buffer.from('{"fleet":"shops"}\n');
const files = ACCEPTED_KINDS.map(([type, bits]) => keygen.generate(type, bits));
const others = ACCEPTED_KINDS.map(([type, bits]) => keygen.generate(type, bits));
const keys = files.map((file) => parsePrivateKey(file.privateText));
const FIXED = ed25519FromSeed(Buffer.alloc(32, 1));

/** Builds a signature from fields that signSsh would not write. */
const build = (
  change: Partial<Record<"magic" | "publicKey" | "reserved" | "hash" | "namespace" | "signature", string>> & {
    version?: number;
    after?: string;
  },
) => {
  const blob = Buffer.from(signBlob(preimage(NAMESPACE, "sha512", MESSAGE), FIXED)).toString("latin1");
  const { publicKey = Buffer.from(FIXED.public.wire).toString("latin1"), signature = blob } = change;
  const { namespace = NAMESPACE, reserved = "", hash = "sha512", magic = "SSHSIG", after = "" } = change;
  const fields = [publicKey, namespace, reserved, hash, signature].map((text) =>
    wireString(Buffer.from(text, "latin1")),
  );
  const head = [Buffer.from(magic), wireUint32(change.version ?? 1)];
  return armor(LABEL, Buffer.concat([...head, ...fields, Buffer.from(after)]));
};
const check = (armored: string, message: Uint8Array = MESSAGE) => refusal(() => verifySsh(message, armored, NAMESPACE));

const KINDS = ACCEPTED_KINDS.map(([type, bits], index) => ({ type, bits, index }));
describe.each(KINDS)("with a key of type $type and $bits bits", ({ type, bits, index }) => {
  const file = files[index] ?? keygen.generate(type, bits);
  const key = keys[index] ?? FIXED;

  it.each([["sha512"], ["sha256"]])("verifies what ssh-keygen signs with %s", (hash) => {
    const armored = keygen.sign(file, NAMESPACE, MESSAGE, ["-O", `hashalg=${hash}`]);
    expect(verifySsh(MESSAGE, armored, NAMESPACE).spki).toBe(parsePublicKey(file.publicLine).spki);
    expect(armor(LABEL, dearmor(LABEL, armored, "signature"))).toBe(armored);
  });

  it("signs what ssh-keygen verifies", () => {
    const armored = signSsh(MESSAGE, NAMESPACE, key);
    expect(keygen.verify(file.publicLine, NAMESPACE, MESSAGE, armored)).toContain("Good");
    expect(() => keygen.verify(file.publicLine, "skerry-root@v1", MESSAGE, armored)).toThrow();
  });

  it("refuses another namespace and another message", () => {
    const armored = keygen.sign(file, NAMESPACE, MESSAGE);
    expect(refusal(() => verifySsh(MESSAGE, armored, "skerry-root@v1"))).toBe("signature");
    expect(refusal(() => verifySsh(MESSAGE, armored, "skerry-bundle@v1 "))).toBe("signature");
    expect(check(armored, Buffer.from('{"fleet":"shopz"}\n'))).toBe("signature");
    expect(check(armored, Buffer.alloc(0))).toBe("signature");
  });

  it("refuses a flipped bit at every byte, and a cut at every length", () => {
    const bytes = dearmor(LABEL, keygen.sign(file, NAMESPACE, MESSAGE), "signature");
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of file.publicLine.startsWith("ssh-rsa") ? [at % 8] : [0, 1, 2, 3, 4, 5, 6, 7]) {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8((flipped[at] ?? 0) ^ (1 << bit), at);
        expect(["signature", "malformed", "key", "unsupported"]).toContain(check(armor(LABEL, flipped)));
      }
      expect(check(armor(LABEL, bytes.subarray(0, at)))).toBe("malformed");
    }
  });

  it("refuses another key of the same kind in its place", () => {
    const other = parsePublicKey(others[index]?.publicLine ?? "");
    const blob = Buffer.from(signBlob(preimage(NAMESPACE, "sha512", MESSAGE), key)).toString("latin1");
    const own = Buffer.from(key.public.wire).toString("latin1");
    expect(check(build({ publicKey: own, signature: blob }))).toBe("accepted");
    expect(check(build({ publicKey: Buffer.from(other.wire).toString("latin1"), signature: blob }))).toBe("signature");
  });
});

describe("fields", () => {
  it.each([
    ["magic", { magic: "SSHSIH" }, "malformed"],
    ["version 0", { version: 0 }, "unsupported"],
    ["version 2", { version: 2 }, "unsupported"],
    ["filled reserved field", { reserved: "x" }, "unsupported"],
    ["hash sha1", { hash: "sha1" }, "unsupported"],
    ["the other hash's name", { hash: "sha256" }, "signature"],
    ["empty namespace", { namespace: "" }, "signature"],
    ["namespace with a NUL", { namespace: `${NAMESPACE}\0` }, "malformed"],
    ["bytes after the end", { after: "x" }, "malformed"],
    ["empty public key", { publicKey: "" }, "malformed"],
    ["empty signature", { signature: "" }, "malformed"],
  ] as const)("%s: %j is %s", (_, change, code) => {
    expect(check(build({}))).toBe("accepted");
    expect(check(build(change))).toBe(code);
  });

  it("will not make or expect a signature without a namespace", () => {
    expect(refusal(() => signSsh(MESSAGE, "", FIXED))).toBe("internal");
    expect(refusal(() => verifySsh(MESSAGE, build({ namespace: "" }), ""))).toBe("internal");
  });

  it("refuses an armor over 16 KiB", () => {
    expect(check(build({ after: "x".repeat(13_000) }))).toBe("too-large");
  });
});

describe("algorithms", () => {
  const signed = preimage(NAMESPACE, "sha512", MESSAGE);
  const withBlob = (index: number, algorithm: string, signature: Uint8Array) => {
    const publicKey = Buffer.from((keys[index] ?? FIXED).public.wire).toString("latin1");
    const blob = Buffer.concat([wireString(algorithm), wireString(signature)]).toString("latin1");
    return check(build({ publicKey, signature: blob }));
  };
  const raw = (index: number, hash: string | null) =>
    sign(hash, signed, { key: (keys[index] ?? FIXED).keyObject, dsaEncoding: "ieee-p1363" });

  it("takes RSA with SHA-2, never with SHA-1", () => {
    expect(withBlob(3, "rsa-sha2-256", raw(3, "sha256"))).toBe("accepted");
    expect(withBlob(3, "rsa-sha2-512", raw(3, "sha512"))).toBe("accepted");
    expect(withBlob(3, "ssh-rsa", raw(3, "sha1"))).toBe("unsupported");
    expect(withBlob(3, "rsa-sha2-512", raw(3, "sha1"))).toBe("signature");
    expect(withBlob(3, "rsa-sha2-512", raw(3, "sha512").subarray(1))).toBe("malformed");
    expect(withBlob(3, "rsa-sha2-512", Buffer.concat([Buffer.of(0), raw(3, "sha512")]))).toBe("malformed");
  });

  it("takes an algorithm only with its own kind of key", () => {
    expect(withBlob(0, "ssh-ed25519", raw(0, null))).toBe("accepted");
    expect(withBlob(0, "rsa-sha2-512", raw(0, null))).toBe("malformed");
    expect(withBlob(3, "ssh-ed25519", raw(0, null))).toBe("malformed");
    expect(withBlob(1, "ecdsa-sha2-nistp384", raw(1, "sha256"))).toBe("malformed");
    expect(withBlob(0, "ssh-ed25519", raw(0, null).subarray(1))).toBe("malformed");
  });

  it("takes ECDSA as two canonical numbers that fit the curve", () => {
    const both = raw(1, "sha256");
    const [r, s] = [both.subarray(0, 32), both.subarray(32)];
    const of = (...parts: Uint8Array[]) => withBlob(1, "ecdsa-sha2-nistp256", Buffer.concat(parts));
    expect(of(wireMpint(r), wireMpint(s))).toBe("accepted");
    expect(of(wireMpint(s), wireMpint(r))).toBe("signature");
    expect(of(wireMpint(r), wireMpint(s), Buffer.of(0))).toBe("malformed");
    expect(of(wireString(Buffer.concat([Buffer.of(0, 0), r])), wireMpint(s))).toBe("malformed");
    expect(of(wireMpint(Buffer.concat([Buffer.of(1), r])), wireMpint(s))).toBe("malformed");
    expect(of(wireString(""), wireMpint(s))).toBe("malformed");
    expect(of(wireMpint(Buffer.alloc(32, 0xff)), wireMpint(s))).toBe("signature");
    expect(of(both)).toBe("malformed");
  });

  it("takes no P-521", () => {
    const p521 = keygen.generate("ecdsa", 521);
    expect(check(keygen.sign(p521, NAMESPACE, MESSAGE))).toBe("key");
  });
});

// ed25519 signatures have no randomness: what the seed 01..01 signs is the same for ever.
const GOLDEN =
  "-----BEGIN SSH SIGNATURE-----\n" +
  "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgiojj3XQJ8ZX9UtstPLpdcspnCb\n" +
  "8dlBIb83SIAbQPb1wAAAAQc2tlcnJ5LWJ1bmRsZUB2MQAAAAAAAAAGc2hhNTEyAAAAUwAA\n" +
  "AAtzc2gtZWQyNTUxOQAAAEDYOK6O7oyiCVzNkLoQHiwKdh5+rSZS9G7GQ3Tw5Sp/7ajmux\n" +
  "LZeMtgldbVpbEP65TdbMqQjQTW6WPEXe9T9cgH\n" +
  "-----END SSH SIGNATURE-----\n";

it("keeps its format, which ssh-keygen reads", () => {
  expect(signSsh(MESSAGE, NAMESPACE, FIXED)).toBe(GOLDEN);
  expect(keygen.verify(`${formatPublicKey(FIXED.public)}\n`, NAMESPACE, MESSAGE, GOLDEN)).toContain("Good");
});

it("answers any input with a key or an AppError", () => {
  const valid = keys.map((key) => signSsh(MESSAGE, NAMESPACE, key));
  const bytes = valid.map((text) => dearmor(LABEL, text, "signature"));
  const put = fc.uint8Array({ minLength: 1, maxLength: 6 });
  const mutatedBytes = fc.tuple(fc.constantFrom(...bytes), fc.nat(), put).map(([blob, at, change]) => {
    const copy = Buffer.from(blob);
    copy.set(change, at % (copy.length - change.length));
    return armor(LABEL, copy);
  });
  const mutatedText = fc
    .tuple(fc.constantFrom(...valid), fc.nat(), fc.nat({ max: 9 }), fc.string({ maxLength: 6 }))
    .map(([text, at, cut, change]) => {
      const start = at % text.length;
      return text.slice(0, start) + change + text.slice(start + cut);
    });
  const random = fc.uint8Array().map((blob) => armor(LABEL, Buffer.concat([Buffer.from("SSHSIG\0\0\0\x01"), blob])));
  fc.assert(
    fc.property(fc.oneof(mutatedBytes, mutatedText, random, fc.string()), (text) => {
      const code = check(text);
      if (code === "accepted") expect(bytes.some((blob) => blob.equals(dearmor(LABEL, text, "signature")))).toBe(true);
    }),
    { numRuns: 4000 },
  );
});
