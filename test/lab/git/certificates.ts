/** An authority for tests and certificates by it (RFC 5280), written out here because Node makes none and openssl may not be there. */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export interface Authority {
  /** PEM of its own certificate. */
  ca: string;
  /** PEM of a key and a certificate for hosts, valid for a day. */
  issue(hosts: readonly string[]): { key: string; cert: string };
}

const DAY_MS = 86_400_000;
const [SEQUENCE, SET, INTEGER, BITS, OCTETS, OID, TEXT, TIME] = [0x30, 0x31, 2, 3, 4, 6, 12, 0x18];
const oid = (...bytes: number[]) => der(OID, Buffer.from(bytes));
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2));
const COMMON_NAME = oid(0x55, 4, 3);
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13);
const ALTERNATIVE_NAMES = oid(0x55, 0x1d, 0x11);

export function createAuthority(name = "Lab Authority"): Authority {
  const { privateKey } = pair();
  const isAuthority = der(
    SEQUENCE,
    BASIC_CONSTRAINTS,
    der(1, Buffer.from([255])),
    der(OCTETS, der(SEQUENCE, der(1, Buffer.from([255])))),
  );
  return {
    ca: certificate({ subject: name, issuer: name, key: privateKey, by: privateKey, extension: isAuthority }),
    issue: (hosts) => {
      const { privateKey: key } = pair();
      const names = hosts.map((host) =>
        isIP(host) === 4 ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host)),
      );
      const extension = der(SEQUENCE, ALTERNATIVE_NAMES, der(OCTETS, der(SEQUENCE, ...names)));
      const cert = certificate({ subject: "lab", issuer: name, key, by: privateKey, extension });
      return { key: String(key.export({ type: "pkcs8", format: "pem" })), cert };
    },
  };
}

function pair() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

interface Wish {
  subject: string;
  issuer: string;
  key: KeyObject;
  by: KeyObject;
  extension: Buffer;
}

function certificate({ subject, issuer, key, by, extension }: Wish): string {
  const now = Date.now();
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    named(issuer),
    der(SEQUENCE, time(now - DAY_MS), time(now + DAY_MS)),
    named(subject),
    createPublicKey(key).export({ type: "spki", format: "der" }),
    der(0xa3, der(SEQUENCE, extension)),
  );
  const signature = der(BITS, Buffer.from([0]), sign("sha256", body, by));
  const base64 = der(SEQUENCE, body, ECDSA_WITH_SHA256, signature).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}

function named(name: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(TEXT, Buffer.from(name)))));
}

function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]/g, "");
  return der(TIME, Buffer.from(`${digits.slice(0, 14)}Z`));
}

/** Tag, length, content (X.690). */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  const bytes = size.subarray(size.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 + bytes.length]), bytes, body]);
}
