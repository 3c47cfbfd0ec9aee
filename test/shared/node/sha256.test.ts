import { expect, it } from "vitest";
import { sha256Hex, sha256Stream } from "../../../shared/node/sha256.ts";

// FIPS 180-2, appendix B.
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

it("gives the hash of the standard's example", () => {
  expect(sha256Hex(Buffer.from("abc"))).toBe(ABC);
});

it("gives the same hash chunk by chunk, and can be read midway", () => {
  const stream = sha256Stream();
  stream.take(Buffer.from("a"));
  expect(stream.hex()).toBe(sha256Hex(Buffer.from("a")));
  stream.take(Buffer.from("bc"));
  expect(stream.hex()).toBe(ABC);
  expect(stream.hex()).toBe(ABC);
});
