import { execFileSync } from "node:child_process";
import { sign } from "node:crypto";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  encodeFrame,
  encodeUnsigned,
  type FrameToOpen,
  openFrame,
  openUnsigned,
  parseWireKey,
} from "../../../shared/node/frame.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { formatPublicKey } from "../../../shared/node/ssh-key.ts";
import { ed25519FromSeed, parsePrivateKey } from "../../../shared/node/ssh-private-key.ts";
import { preimage } from "../../../shared/node/sshsig.ts";
import { protocolDictionary } from "../../../shared/protocol-dictionary.ts";
import { reportDelta } from "../../../shared/report.ts";
import { mayBeMisread } from "../../support/misread.ts";
import { inflationBomb } from "./inflation-bomb.ts";
import { Keygen, refusal } from "./ssh-keygen.ts";

const keygen = new Keygen();
afterAll(() => keygen.remove());
const TOPIC = "skerry/1/shops/ber-014/down/ack";
const NAMESPACE = "skerry-ack@v1";
const JSON_TEXT = '{"boot":"0123456789abcdef","event":5,"report":812}';
const key = ed25519FromSeed(Buffer.alloc(32, 1));
const stranger = ed25519FromSeed(Buffer.alloc(32, 2));

const encode = (json: string, format: "plain" | "deflate" = "deflate", signer = key) =>
  encodeFrame({ topic: TOPIC, namespace: NAMESPACE, json, format, key: signer });
const open = (bytes: Uint8Array, change: Partial<FrameToOpen> = {}) =>
  openFrame({
    topic: TOPIC,
    namespace: NAMESPACE,
    bytes,
    maxBytes: 256 * 1024,
    maxInflated: 1024 * 1024,
    keys: [key.public],
    ...change,
  });
/** A frame by the words of the protocol, of any format and body. */
const handmade = (format: number, body: Uint8Array) => {
  const message = Buffer.concat([Buffer.from(`${TOPIC}\0`), Buffer.of(format), body]);
  return Buffer.concat([Buffer.of(format), sign(null, preimage(NAMESPACE, "sha512", message), key.keyObject), body]);
};

describe("the format", () => {
  // Sent by version 1 for ever. The deflated bytes are only read: another zlib may choose others that mean the same.
  const PLAIN =
    "002e056ebe502a9f3ecaa4ebe2084ce90f617ee520730df76baf9798637934c00485dcd1ed815500a767fe652feed4f1a9bc29096615cb355c" +
    "138143eeee14ae027b22626f6f74223a2230313233343536373839616263646566222c226576656e74223a352c227265706f7274223a3831327d";
  const DEFLATED =
    "0104638929ad9d5850ede7d2b64f1c051a66e360126d547e0b106d3c3951c683be25abd9f00809bcb0673173a5955fcbe0ed6a8be5d19ed048" +
    "a5c0d677cf5c7601839750068646c626a666e616968949c929a9698812cb14514a59181ad50200";

  it("is kept", () => {
    expect(Buffer.from(encode(JSON_TEXT, "plain")).toString("hex")).toBe(PLAIN);
    expect(handmade(0, Buffer.from(JSON_TEXT)).toString("hex")).toBe(PLAIN);
    expect(open(Buffer.from(PLAIN, "hex"))).toEqual({ json: JSON.parse(JSON_TEXT), key: key.public });
    expect(open(Buffer.from(DEFLATED, "hex"))).toEqual({ json: JSON.parse(JSON_TEXT), key: key.public });
  });

  it("is kept in its dictionary, which is ASCII", () => {
    const bytes = Buffer.from(protocolDictionary(1));
    expect(sha256Hex(bytes)).toBe("b2564c06314a4d5e4d04bfc456092b53b62e15ae1d572108bd48e93270ce18c8");
    expect(bytes.every((byte) => byte < 0x80)).toBe(true);
  });

  it("carries any JSON, in both formats", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("plain", "deflate"), (json, format) => {
        fc.pre(!mayBeMisread(json));
        expect(open(encode(json, format)).json).toEqual(JSON.parse(json));
      }),
    );
  });

  it("deflates only where that makes the body smaller", () => {
    expect(encode("7", "deflate")).toEqual(encode("7", "plain"));
    expect(encode(JSON_TEXT, "deflate").length).toBeLessThan(encode(JSON_TEXT, "plain").length);
    expect(encode(JSON_TEXT, "deflate")[0]).toBe(1);
  });

  it("keeps a delta of one bundle within 120 bytes", () => {
    const head = '"at":"2026-11-21T06:58:12Z","base":{"number":811,"state":"a3f19b20"}';
    const deltas = [
      `{${head},"number":812}`,
      `{${head},"items":[{"bundle":"pos","healthyFor":61}],"number":812}`,
      `{${head},"items":[{"bundle":"pos","healthyFor":0,"since":"2026-11-21T06:58:12Z","state":"verifying"}],"number":812}`,
    ];
    for (const json of deltas) {
      expect(reportDelta.safeParse(JSON.parse(json)).success).toBe(true);
      expect(encode(json).length).toBeLessThanOrEqual(120);
    }
  });

  it("keeps what a hello shows of one bundle within 370 bytes", () => {
    const item = {
      bundle: "pos",
      version: "1.4.2",
      digest: sha256Hex(Buffer.from("d")),
      pair: [1, 42],
      record: 3,
      mode: "run",
    };
    const items = [{ ...item, run: "pos-17", wave: "canary", values: {}, reportEvery: "60s" }];
    const of = { fleet: "shops", site: "ber-014", term: 1, number: 57, root: 3, expires: "2026-12-28T08:00:00Z" };
    const assign = Buffer.from(encode(JSON.stringify({ ...of, items }))).toString("base64");
    const boot = sha256Hex(Buffer.from("boot")).slice(0, 16);
    const ack = Buffer.from(encode(JSON.stringify({ boot, event: 312, report: 4711, term: 1 }))).toString("base64");
    const hello = { agent: "0.1.0", assignment: [1, 57], boot, event: 312, record: 3, report: 4711, root: 3 };
    const shown = encode(JSON.stringify({ ...hello, shown: { ack, assign } }));
    expect(shown.length - encode(JSON.stringify(hello)).length).toBeLessThanOrEqual(370);
  });

  it("keeps a full report of one bundle within 250 bytes", () => {
    const hex = (label: string, length: number) => sha256Hex(Buffer.from(label)).slice(0, length);
    const json =
      `{"assignment":[1,77],"at":"2026-11-21T06:58:12Z","boot":"${hex("boot", 16)}","head":41,"items":[{"bundle":"pos",` +
      `"digest":"${hex("digest", 32)}","healthyFor":86400,"marks":[[1,42],[1,41]],"objects":{"drifted":0,"healthy":12,` +
      `"total":12},"previous":"${hex("previous", 32)}","record":3,"since":"2026-11-20T06:57:03Z","state":"committed",` +
      '"values":""}],"number":812,"record":3,"root":2,"synced":true}';
    expect(JSON.parse(json)).toHaveProperty("items.0.state", "committed");
    expect(encode(json).length).toBeLessThanOrEqual(250);

    const prepared = `"prepared":[{"bundle":"pos","diff":"${hex("diff", 32)}","digest":"${hex("next", 32)}","record":3,"values":""}],`;
    const preparing = encode(json.replace('"record":3,"root"', `${prepared}"record":3,"root"`));
    expect(preparing.length - encode(json).length).toBeLessThanOrEqual(70);
  });
});

describe("a frame is refused", () => {
  const frame = encode(JSON_TEXT);

  it.each([
    ["on another topic", { topic: "skerry/1/shops/ber-015/down/ack" }, "signature"],
    ["as another kind", { namespace: "skerry-assign@v1" }, "signature"],
    ["from a stranger", { keys: [stranger.public] }, "signature"],
    ["where the sender has no key", { keys: [] }, "signature"],
    ["over its cap", { maxBytes: frame.length - 1 }, "too-large"],
    ["over its cap when inflated", { maxInflated: JSON_TEXT.length - 1 }, "too-large"],
    ["on a topic with a NUL", { topic: `${TOPIC}\0` }, "malformed"],
  ] as const)("%s", (_, change, code) => {
    expect(open(frame, { maxBytes: frame.length, maxInflated: JSON_TEXT.length }).key).toBe(key.public);
    expect(refusal(() => open(frame, change))).toBe(code);
  });

  it("with any bit flipped", () => {
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = Buffer.from(frame);
      flipped.writeUInt8((flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      expect(refusal(() => open(flipped))).toBe("signature");
    }
  });

  it("when cut anywhere", () => {
    for (let length = 0; length < frame.length; length++) {
      expect(refusal(() => open(frame.subarray(0, length)))).toBe(length < 65 ? "malformed" : "signature");
    }
  });

  it("with a body that is not what its format says, though signed", () => {
    const deflated = deflateRawSync(JSON_TEXT);
    const bodies: [number, Uint8Array][] = [
      [0, Buffer.alloc(0)],
      [0, Buffer.from("{")],
      [0, Buffer.from([0x22, 0xff, 0x22])],
      [0, Buffer.from("\ufeff{}")],
      [0, deflated],
      [1, Buffer.from(JSON_TEXT)],
      [1, Buffer.alloc(0)],
      [1, deflated.subarray(0, -1)],
      [2, Buffer.from(JSON_TEXT)],
      [255, deflated],
    ];
    expect(open(handmade(1, deflated)).json).toEqual(JSON.parse(JSON_TEXT));
    expect(bodies.map(([format, body]) => refusal(() => open(handmade(format, body))))).toEqual(
      bodies.map(() => "malformed"),
    );
    expect(refusal(() => open(handmade(0, Buffer.from(JSON_TEXT)), { maxInflated: 10 }))).toBe("too-large");
  });
});

describe("an inflation bomb", () => {
  it("is not inflated before its signature holds", () => {
    const unsigned = Buffer.concat([Buffer.of(1), Buffer.alloc(64), inflationBomb(4)]);
    expect(refusal(() => open(unsigned))).toBe("signature");
    expect(refusal(() => open(handmade(1, inflationBomb(4))))).toBe("too-large");
  });

  it("takes no memory to speak of when it is signed", () => {
    const script = join(import.meta.dirname, "inflation-bomb.ts");
    const { code, openedMiB, uncappedMiB } = JSON.parse(execFileSync(process.execPath, [script], { encoding: "utf8" }));
    expect(code).toBe("too-large");
    expect(openedMiB).toBeLessThan(24);
    // The same bomb without a cap, to show that the measurement sees memory.
    expect(uncappedMiB).toBeGreaterThan(100);
  });
});

describe("keys of messages", () => {
  it("are ed25519 lines", () => {
    expect(parseWireKey(formatPublicKey(key.public, "ber-014"))).toEqual(key.public);
    expect(refusal(() => parseWireKey(keygen.generate("ecdsa", 256).publicLine))).toBe("key");
  });

  it("may be two, and the one that signed is named", () => {
    expect(open(encode(JSON_TEXT), { keys: [stranger.public, key.public] }).key).toBe(key.public);
    expect(open(encode(JSON_TEXT, "plain", stranger), { keys: [stranger.public, key.public] }).key).toBe(
      stranger.public,
    );
  });

  it("of another kind neither sign nor open", () => {
    const other = parsePrivateKey(keygen.generate("rsa", 2048).privateText);
    expect(refusal(() => encode(JSON_TEXT, "plain", other))).toBe("key");
    expect(refusal(() => open(encode(JSON_TEXT), { keys: [other.public] }))).toBe("key");
  });
});

it("answers any bytes, signed or not, with JSON or an AppError", () => {
  const start = deflateRawSync(JSON_TEXT, { dictionary: Buffer.from(protocolDictionary(1)) });
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.nat({ max: start.length }), fc.uint8Array({ maxLength: 20 }))
      .map(([cut, rest]) => Buffer.concat([start.subarray(0, cut), rest])),
  );
  fc.assert(
    fc.property(fc.nat({ max: 2 }), body, (format, bytes) => {
      const code = refusal(() => open(handmade(format, bytes), { maxInflated: 4096 }));
      expect(["accepted", "malformed", "too-large"]).toContain(code);
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(["malformed", "signature"]).toContain(refusal(() => open(bytes)));
    }),
    { numRuns: 2000 },
  );
});

describe("a message without a signature", () => {
  const caps = { topic: "skerry/1/shops/ber-014/down/trust", maxBytes: 200, maxInflated: 400 };

  it.each(["plain", "deflate"] as const)("comes back as it was (%s)", (format) => {
    expect(openUnsigned({ ...caps, bytes: encodeUnsigned(JSON_TEXT, format) })).toEqual(JSON.parse(JSON_TEXT));
  });

  it("keeps to the caps, and is refused by name for whatever else it is", () => {
    const long = encodeUnsigned(JSON.stringify("a".repeat(500)), "deflate");
    expect(refusal(() => openUnsigned({ ...caps, bytes: long }))).toBe("too-large");
    expect(refusal(() => openUnsigned({ ...caps, bytes: Buffer.alloc(201) }))).toBe("too-large");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(["accepted", "malformed", "too-large"]).toContain(refusal(() => openUnsigned({ ...caps, bytes })));
      }),
    );
  });
});
