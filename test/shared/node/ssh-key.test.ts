import { createPublicKey, generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  ed25519FromRaw,
  ed25519ToRaw,
  formatPublicKey,
  parsePublicKey,
  publicKeyFromWire,
  publicKeyOf,
} from "../../../shared/node/ssh-key.ts";
import { wireMpint, wireString } from "../../../shared/node/ssh-wire.ts";
import { ACCEPTED_KINDS, Keygen, refusal } from "./ssh-keygen.ts";

const keygen = new Keygen();
afterAll(() => keygen.remove());
const files = ACCEPTED_KINDS.map(([type, bits]) => keygen.generate(type, bits));
const ED25519 = files[0]?.publicLine ?? "";
const P256 = files[1]?.publicLine ?? "";
const RSA = files[3]?.publicLine ?? "";

const wireOf = (line: string) => Buffer.from(parsePublicKey(line).wire);
const lineOf = (type: string, ...fields: Uint8Array[]) =>
  `${type} ${Buffer.concat([wireString(type), ...fields]).toString("base64")}`;
const rsaLine = (e: Uint8Array, n: Uint8Array) => lineOf("ssh-rsa", wireMpint(e), wireMpint(n));
const modulus = (bits: number) => Buffer.alloc(bits / 8, 0xc5);

describe.each(files)("a key of ssh-keygen: $publicLine", ({ publicLine, path }) => {
  it("is read and written back byte for byte", () => {
    expect(formatPublicKey(parsePublicKey(publicLine), "ops@example")).toBe(publicLine.trimEnd());
  });

  it("has one identity, as SSH line and as SPKI", () => {
    const key = parsePublicKey(publicLine);
    // ssh-keygen exports no ed25519 key; RFC 8410 puts its raw bytes behind a fixed head.
    const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key.wire.subarray(-32)]);
    const other =
      key.type === "ssh-ed25519"
        ? createPublicKey({ key: spki, format: "der", type: "spki" })
        : createPublicKey(keygen.run(["-e", "-m", "PKCS8", "-f", `${path}.pub`]));
    const same = publicKeyOf(other);
    expect(same.spki).toBe(key.spki);
    expect(formatPublicKey(same)).toBe(formatPublicKey(key));
  });

  it("is refused when cut anywhere, and with one byte more", () => {
    const wire = wireOf(publicLine);
    for (let length = 0; length < wire.length; length++) {
      expect(["malformed", "key"]).toContain(refusal(() => publicKeyFromWire(wire.subarray(0, length))));
    }
    expect(refusal(() => publicKeyFromWire(Buffer.concat([wire, Buffer.of(0)])))).toBe("malformed");
  });
});

describe("refused kinds", () => {
  it("takes no P-521, DSA, certificate or small RSA key", () => {
    const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
    const lines = [
      keygen.generate("ecdsa", 521).publicLine,
      lineOf("ssh-dss", wireString("x")),
      lineOf("ssh-ed25519-cert-v01@openssh.com", wireString("x")),
      lineOf("sk-ssh-ed25519-cert-v01@openssh.com", wireString("x")),
      rsaLine(Buffer.from(small.e ?? "", "base64url"), Buffer.from(small.n ?? "", "base64url")),
      rsaLine(Buffer.of(1, 0, 1), Buffer.concat([Buffer.of(0x7f), Buffer.alloc(255, 0xff)])),
      rsaLine(Buffer.of(1, 0, 1), modulus(16384 + 8)),
      'command="ls" ssh-ed25519 AAAA',
      "toString AAAA",
    ];
    expect(lines.map((line) => refusal(() => parsePublicKey(line)))).toEqual(lines.map(() => "key"));
  });

  it("takes no Node key of another kind", () => {
    const others = [
      generateKeyPairSync("x25519"),
      generateKeyPairSync("ed448"),
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }),
      generateKeyPairSync("ec", { namedCurve: "P-521" }),
      generateKeyPairSync("rsa-pss", { modulusLength: 2048 }),
      generateKeyPairSync("rsa", { modulusLength: 1024 }),
    ];
    expect(others.map((pair) => refusal(() => publicKeyOf(pair.publicKey)))).toEqual(others.map(() => "key"));
  });
});

describe("strictness", () => {
  it("wants the same type inside as outside", () => {
    expect(refusal(() => parsePublicKey(P256.replace("ecdsa-sha2-nistp256 ", "ssh-ed25519 ")))).toBe("malformed");
    const otherType = wireOf(P256).toString("latin1").replace("nistp256", "nistp384");
    expect(refusal(() => publicKeyFromWire(Buffer.from(otherType, "latin1")))).toBe("malformed");
  });

  it("wants a point on the curve, uncompressed", () => {
    const wire = wireOf(P256);
    const off = Buffer.from(wire);
    off.writeUInt8((off.at(-1) ?? 0) ^ 1, off.length - 1);
    expect(refusal(() => publicKeyFromWire(off))).toBe("key");
    const head = wire.subarray(0, -69);
    const compressed = wireString(Buffer.concat([Buffer.of(2), wire.subarray(-64, -32)]));
    expect(refusal(() => publicKeyFromWire(Buffer.concat([head, compressed])))).toBe("key");
    const hybrid = wireString(Buffer.concat([Buffer.of(6), wire.subarray(-64)]));
    expect(refusal(() => publicKeyFromWire(Buffer.concat([head, hybrid])))).toBe("key");
    expect(refusal(() => publicKeyFromWire(Buffer.concat([head, wireString(Buffer.of(0))])))).toBe("key");
  });

  it("wants numbers in canonical form and an exponent under which not everybody can sign", () => {
    expect(refusal(() => parsePublicKey(rsaLine(Buffer.of(3), modulus(2048))))).toBe("accepted");
    const exponents = [Buffer.of(1), Buffer.of(2), Buffer.of(1, 0, 0), Buffer.of(0x80, 0, 0, 1), Buffer.alloc(9, 1)];
    expect(exponents.map((e) => refusal(() => parsePublicKey(rsaLine(e, modulus(2048)))))).toEqual(
      exponents.map(() => "key"),
    );
    const padded = lineOf("ssh-rsa", wireString(Buffer.of(0, 1, 0, 1)), wireMpint(modulus(2048)));
    expect(refusal(() => parsePublicKey(padded))).toBe("malformed");
  });

  it.each([
    ["two spaces", (line: string) => line.replace(" ", "  ")],
    ["a leading space", (line: string) => ` ${line}`],
    ["two lines", (line: string) => line + line],
    ["a carriage return", (line: string) => line.replace("\n", "\r\n")],
    ["no base64", (line: string) => line.split(" ")[0] ?? ""],
    ["unpadded base64", (line: string) => line.replace(/=* ops/, "A ops")],
    ["an endless comment", (line: string) => `${line.trimEnd()}${"x".repeat(9000)}`],
  ])("refuses %s", (_, change) => {
    expect(refusal(() => parsePublicKey(change(ED25519)))).toBe("malformed");
    expect(refusal(() => parsePublicKey(change(RSA)))).toBe("malformed");
  });
});

describe("raw ed25519 keys", () => {
  it("convert both ways", () => {
    const key = parsePublicKey(ED25519);
    expect(ed25519ToRaw(key)).toHaveLength(32);
    expect(ed25519FromRaw(ed25519ToRaw(key))).toEqual(key);
  });

  it("have 32 bytes and one kind", () => {
    expect(refusal(() => ed25519FromRaw(Buffer.alloc(31)))).toBe("key");
    expect(refusal(() => ed25519FromRaw(Buffer.alloc(33)))).toBe("key");
    expect(refusal(() => ed25519ToRaw(parsePublicKey(P256)))).toBe("key");
  });
});

it("answers any input with a key or an AppError", () => {
  const wires = files.map((file) => wireOf(file.publicLine));
  const mutated = fc
    .tuple(fc.constantFrom(...wires), fc.nat(), fc.uint8Array({ maxLength: 8 }))
    .map(([wire, at, put]) => {
      const copy = Buffer.from(wire);
      copy.set(put.subarray(0, copy.length), at % Math.max(1, copy.length - put.length));
      return copy;
    });
  const prefixed = fc
    .tuple(fc.constantFrom("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"), fc.uint8Array())
    .map(([type, rest]) => Buffer.concat([wireString(type), rest]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), mutated, prefixed), (wire) => {
      if (refusal(() => publicKeyFromWire(wire)) === "accepted") {
        expect(Buffer.from(publicKeyFromWire(wire).wire).equals(wire)).toBe(true);
      }
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), (line) => {
      expect(refusal(() => parsePublicKey(line))).not.toBe("accepted");
    }),
    { numRuns: 2000 },
  );
});
