import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packetGate } from "../../../hub/broker/packet-gate.ts";
import { header } from "./raw.ts";

/** Packets of these body lengths, the bodies full of bytes that would read as headers. */
function stream(lengths: readonly number[]): Buffer {
  return Buffer.concat(lengths.flatMap((length) => [header(0x30, length), Buffer.alloc(length, 0xff)]));
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe("packet gate", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 });

  it("lets every stream of packets within the cap pass, however it is cut into chunks", () => {
    const lengths = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 })), { maxLength: 5 });
    fc.assert(
      fc.property(lengths, sizes, (packets, chunks) => {
        const gate = packetGate();
        for (const chunk of cut(stream(packets), chunks)) expect(gate(chunk, 20_000)).toBeUndefined();
      }),
    );
  });

  it("stops at the header of the first packet over the cap, before its body", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1024 }), { maxLength: 5 }), sizes, (packets, chunks) => {
        const gate = packetGate();
        const bytes = Buffer.concat([stream(packets), header(0x30, 1025)]);
        expect(
          cut(bytes, chunks)
            .map((chunk) => gate(chunk, 1024))
            .filter(Boolean),
        ).toHaveLength(1);
      }),
    );
  });

  it("takes the cap of the moment, for the packet that begins", () => {
    const gate = packetGate();
    expect(gate(stream([1024]), 1024)).toBeUndefined();
    expect(gate(stream([5000]), 262_144)).toBeUndefined();
    expect(gate(header(0x30, 262_145), 262_144)).toBe("sends a packet of 262145 bytes or more; 262144 are allowed");
  });

  it("refuses a length that never ends, even of zeros", () => {
    expect(packetGate()(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]), 1024)).toMatch(/more than four bytes/);
  });
});
