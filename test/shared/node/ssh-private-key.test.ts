import { generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { inWords } from "../../../shared/errors.ts";
import { armor, dearmor } from "../../../shared/node/armor.ts";
import { formatPublicKey, parsePublicKey } from "../../../shared/node/ssh-key.ts";
import {
  ed25519FromSeed,
  formatEd25519,
  generateEd25519,
  parsePrivateKey,
} from "../../../shared/node/ssh-private-key.ts";
import { ACCEPTED_KINDS, Keygen, refusal } from "./ssh-keygen.ts";

const keygen = new Keygen();
afterAll(() => keygen.remove());
const LABEL = "OPENSSH PRIVATE KEY";
const files = ACCEPTED_KINDS.map(([type, bits]) => keygen.generate(type, bits));
const others = ACCEPTED_KINDS.slice(0, 4).map(([type, bits]) => keygen.generate(type, bits));
const bytesOf = (text: string) => dearmor(LABEL, text, "private key");

describe.each(files)("a key of ssh-keygen: $publicLine", ({ privateText, publicLine }) => {
  it("is read in OpenSSH's format", () => {
    expect(parsePrivateKey(privateText).public.spki).toBe(parsePublicKey(publicLine).spki);
  });

  it("is read in PKCS#8", () => {
    const pem = parsePrivateKey(privateText).keyObject.export({ format: "pem", type: "pkcs8" }).toString();
    expect(parsePrivateKey(pem).public).toEqual(parsePublicKey(publicLine));
  });

  it("is refused in words that help when it has a passphrase", () => {
    const copy = keygen.write(privateText);
    keygen.run(["-q", "-p", "-f", copy, "-P", "", "-N", "secret"]);
    const encrypted = keygen.read(copy);
    expect(refusal(() => parsePrivateKey(encrypted))).toBe("key");
    expect(words(() => parsePrivateKey(encrypted))).toContain("ssh-agent");
  });

  it("gives another key at no flipped bit", () => {
    const bytes = bytesOf(privateText);
    const key = parsePublicKey(publicLine);
    // Every byte of the short keys; fewer places of RSA keys, which take milliseconds each.
    const stride = key.type === "ssh-rsa" ? Math.ceil(bytes.length / 80) | 1 : 1;
    for (let at = 0; at < bytes.length; at += stride) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8((flipped[at] ?? 0) ^ (1 << (at % 8)), at);
      const text = armor(LABEL, flipped);
      if (refusal(() => parsePrivateKey(text)) === "accepted") expect(parsePrivateKey(text).public).toEqual(key);
    }
  });
});

describe("a key that we made", () => {
  it.each(["", "till 7", "a comment of some length"])("is read by ssh-keygen, with the comment %j", (comment) => {
    const key = generateEd25519();
    const path = keygen.write(formatEd25519(key, comment));
    expect(keygen.run(["-y", "-f", path]).trimEnd()).toBe(formatPublicKey(key.public, comment));
    expect(parsePrivateKey(formatEd25519(key, comment)).public).toEqual(key.public);
  });

  it("follows from its seed (RFC 8032, test 1)", () => {
    const seed = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
    const raw = Buffer.from(ed25519FromSeed(seed).public.wire).toString("hex").slice(-64);
    expect(raw).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    expect(refusal(() => ed25519FromSeed(seed.subarray(1)))).toBe("key");
  });

  it("is a new one each time", () => {
    expect(generateEd25519().public.spki).not.toBe(generateEd25519().public.spki);
  });

  it("is written only where it is ed25519", () => {
    expect(refusal(() => formatEd25519(parsePrivateKey(files[1]?.privateText ?? "")))).toBe("key");
  });
});

it("refuses a secret that does not belong to the public key beside it", () => {
  for (const [index, other] of others.entries()) {
    const one = files[index] ?? other;
    const wires = [one, other].map((file) => Buffer.from(parsePublicKey(file.publicLine).wire));
    const bytes = bytesOf(one.privateText).toString("latin1");
    const swapped = bytes.replace(wires[0]?.toString("latin1") ?? "", () => wires[1]?.toString("latin1") ?? "");
    expect(swapped).not.toBe(bytes);
    expect(refusal(() => parsePrivateKey(armor(LABEL, Buffer.from(swapped, "latin1"))))).toBe("malformed");
  }
});

it("refuses unequal check numbers and another padding", () => {
  const bytes = bytesOf(formatEd25519(ed25519FromSeed(Buffer.alloc(32, 1)), "till"));
  const changed = (at: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8((copy[at] ?? 0) ^ 1, at);
    return refusal(() => parsePrivateKey(armor(LABEL, copy)));
  };
  // The private part: two check numbers, type (4 + 11), key (4 + 32), secret (4 + 64), comment (4 + 4), then padding.
  const secret = bytes.length - 136;
  expect(bytes.subarray(secret, secret + 8)).toEqual(Buffer.alloc(8));
  expect(bytes.at(-1)).toBe(1);
  expect([secret, secret + 7, bytes.length - 1].map(changed)).toEqual(["malformed", "malformed", "malformed"]);
});

describe("other files", () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });

  it("names what to do with an encrypted or an old PEM file", () => {
    const encrypted = pair.privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" });
    expect(words(() => parsePrivateKey(encrypted.toString()))).toMatch(/^key: .*ssh-agent/);
    const old = pair.privateKey.export({ format: "pem", type: "pkcs1" });
    expect(words(() => parsePrivateKey(old.toString()))).toMatch(/^key: .*ssh-keygen -p -f FILE/);
  });

  it("refuses keys of kinds that are not accepted", () => {
    expect(refusal(() => parsePrivateKey(keygen.generate("ecdsa", 521).privateText))).toBe("key");
    const x25519 = generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" });
    expect(refusal(() => parsePrivateKey(x25519.toString()))).toBe("key");
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({
      format: "pem",
      type: "pkcs8",
    });
    expect(refusal(() => parsePrivateKey(weak.toString()))).toBe("key");
  });

  it("refuses a public key and an empty file", () => {
    expect(refusal(() => parsePrivateKey(files[0]?.publicLine ?? ""))).toBe("malformed");
    expect(refusal(() => parsePrivateKey(""))).toBe("malformed");
  });
});

it("answers any input with a key or an AppError", () => {
  const valid = files.map((file) => bytesOf(file.privateText));
  const mutated = fc
    .tuple(fc.constantFrom(...valid), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat({ max: 40 }))
    .map(([bytes, at, put, cut]) => {
      const copy = Buffer.from(bytes);
      copy.set(put, at % (copy.length - put.length));
      return copy.subarray(0, copy.length - (cut < 20 ? 0 : cut));
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array()), (bytes) => {
      refusal(() => parsePrivateKey(armor(LABEL, bytes)));
    }),
    { numRuns: 2000 },
  );
  const pem = fc.string().map((body) => `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), pem), (text) => {
      expect(refusal(() => parsePrivateKey(text))).not.toBe("accepted");
    }),
    { numRuns: 1000 },
  );
});

function words(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return inWords(error);
  }
  return "";
}
