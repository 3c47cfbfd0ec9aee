import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { armor, dearmor } from "../../../shared/node/armor.ts";
import { strictBase64, WireReader, wireMpint, wireString, wireUint32 } from "../../../shared/node/ssh-wire.ts";
import { refusal } from "./ssh-keygen.ts";

const reader = (...parts: Uint8Array[]) => new WireReader(Buffer.concat(parts), "sample");

describe("WireReader", () => {
  it("reads back what the writers wrote", () => {
    const sample = reader(wireUint32(7), wireString("name"), wireMpint(Buffer.of(0, 0, 0x80, 1)), Buffer.of(1, 2));
    expect(sample.uint32()).toBe(7);
    expect(sample.text()).toBe("name");
    expect([...sample.mpint()]).toEqual([0x80, 1]);
    expect([...sample.rest()]).toEqual([1, 2]);
    sample.end();
  });

  it("refuses to read past the end and to stop before it", () => {
    expect(refusal(() => reader(Buffer.of(0, 0, 0)).uint32())).toBe("malformed");
    expect(refusal(() => reader(wireUint32(0xffffffff)).string())).toBe("malformed");
    expect(refusal(() => reader(Buffer.of(1)).end())).toBe("malformed");
  });

  it.each([
    ["zero", []],
    ["negative", [0x80]],
    ["leading zero", [0, 0x7f]],
    ["nothing but a zero", [0]],
  ])("refuses an mpint that is %s", (_, bytes) => {
    expect(refusal(() => reader(wireString(Buffer.from(bytes))).mpint())).toBe("malformed");
  });

  it("refuses names with control characters", () => {
    expect(refusal(() => reader(wireString("a\0b")).text())).toBe("malformed");
    expect(refusal(() => reader(wireString("é")).text())).toBe("malformed");
  });
});

it.each(["YQ", "YQ=", "YR==", "YQ==\n", " YQ==", "Y-==", "YQ==YQ=="])("strictBase64 refuses %j", (text) => {
  expect(refusal(() => strictBase64(text, "sample"))).toBe("malformed");
});

describe("armor", () => {
  it("round-trips all bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
        expect([...dearmor("X", armor("X", bytes), "sample")]).toEqual([...bytes]);
      }),
    );
  });

  const body = "-----BEGIN X-----\nYWJj\n-----END X-----\n";
  it.each([
    ["another label", body.replaceAll("X", "Y")],
    ["no line end", body.slice(0, -1)],
    ["text before", `a\n${body}`],
    ["text after", `${body}a`],
    ["a second line end", `${body}\n`],
    ["CRLF", body.replaceAll("\n", "\r\n")],
    ["an empty line", body.replace("YWJj", "YWJj\n")],
    ["spaces", body.replace("YWJj", "YWJj ")],
    ["no footer", "-----BEGIN X-----\nYWJj\n"],
    ["a footer only", "-----END X-----\n"],
    ["nothing", ""],
    ["a long line", body.replace("YWJj", "YWJj".repeat(20))],
  ])("refuses %s", (_, text) => {
    expect(dearmor("X", body, "sample").toString()).toBe("abc");
    expect(refusal(() => dearmor("X", text, "sample"))).toBe("malformed");
  });

  it("refuses more than 16 KiB", () => {
    expect(refusal(() => dearmor("X", armor("X", Buffer.alloc(11_000)), "sample"))).toBe("accepted");
    expect(refusal(() => dearmor("X", armor("X", Buffer.alloc(13_000)), "sample"))).toBe("too-large");
  });
});
