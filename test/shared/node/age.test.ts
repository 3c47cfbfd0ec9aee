import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ageDecrypt, ageEncrypt, ageOpen } from "../../../shared/node/age.ts";
import { ageIdentity, formatAgeIdentity, generateAge, parseAgeIdentity } from "../../../shared/node/age-key.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { thrownBy, thrownCode } from "../../support/thrown.ts";

interface Vector {
  expect: string;
  identities: string[];
  payload: string | undefined;
  file: Buffer;
}

function vectorOf(bytes: Buffer): Vector {
  const end = bytes.indexOf("\n\n");
  const lines = bytes.toString("latin1", 0, end).split("\n");
  const all = (key: string) =>
    lines.flatMap((line) => (line.startsWith(`${key}: `) ? [line.slice(key.length + 2)] : []));
  const body = bytes.subarray(end + 2);
  const file = all("compressed")[0] === "zlib" ? inflateSync(body) : body;
  return { expect: all("expect")[0] ?? "", identities: all("identity"), payload: all("payload")[0], file };
}

const GOLDEN = new URL("../../golden/age/vectors.json", import.meta.url);
const VECTORS = Object.entries(JSON.parse(readFileSync(GOLDEN, "utf8")) as Record<string, string>).map(
  ([name, text]): [string, Vector] => [name, vectorOf(Buffer.from(text, "base64"))],
);
/** What a refusal of the vectors is called here. */
const CODES: Readonly<Record<string, string[]>> = {
  "no match": ["key"],
  "HMAC failure": ["signature"],
  "header failure": ["malformed"],
  "payload failure": ["malformed", "signature"],
};

describe("the vectors of C2SP", () => {
  it.each(VECTORS.filter(([, vector]) => vector.expect === "success"))("%s opens", (_name, vector) => {
    const opened = ageOpen(vector.file, vector.identities.map(parseAgeIdentity));
    expect(sha256Hex(opened)).toBe(vector.payload);
  });

  it.each(VECTORS.filter(([, vector]) => vector.expect !== "success"))("%s is refused", (_name, vector) => {
    const code = thrownCode(() => ageOpen(vector.file, vector.identities.map(parseAgeIdentity)));
    expect(CODES[vector.expect]).toContain(code);
  });
});

describe("what is encrypted here", () => {
  const own = ageIdentity(Buffer.alloc(32, 5));
  const sealed = ageEncrypt(Buffer.from("the key of a group"), own.recipient);

  it.each([0, 1, 8_000])("opens again for its recipient alone: %i bytes", (size) => {
    const text = Buffer.alloc(size, 7);
    expect(ageDecrypt(ageEncrypt(text, own.recipient), [generateAge(), own])).toEqual(text);
    expect(thrownCode(() => ageDecrypt(ageEncrypt(text, own.recipient), [generateAge()]))).toBe("key");
  });

  it("is refused with any byte changed, and cut short anywhere", () => {
    const bytes = Buffer.from(sealed.split("\n").slice(1, -2).join(""), "base64");
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(["key", "signature", "malformed"]).toContain(thrownCode(() => ageOpen(changed, [own])));
      expect(["signature", "malformed"]).toContain(thrownCode(() => ageOpen(bytes.subarray(0, at), [own])));
    }
  });
});

describe("a key file", () => {
  const text = formatAgeIdentity(ageIdentity(Buffer.alloc(32, 5)));

  it("is read as it is written", () => {
    expect(parseAgeIdentity(`# created: today\n\n${text}`)).toEqual(ageIdentity(Buffer.alloc(32, 5)));
  });

  it.each([
    ["nothing", "", "malformed"],
    ["two keys", text + text, "malformed"],
    ["a letter mistyped", text.replace(/.(?=\n$)/, (last) => (last === "Q" ? "P" : "Q")), "malformed"],
    ["a post-quantum key", "AGE-SECRET-KEY-PQ-1QQQQ\n", "key"],
    ["something else", "hunter2\n", "key"],
  ])("with %s is refused, without a word of it", (_title, wrong, code) => {
    const error = thrownBy(() => parseAgeIdentity(wrong));
    expect(error).toMatchObject({ code });
    if (wrong !== "") expect(JSON.stringify(error)).not.toContain(wrong.trim().slice(-20));
  });
});
