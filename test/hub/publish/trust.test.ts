import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Holds, type Numbered, type Relayable, trustFrame } from "../../../hub/publish/trust.ts";
import { openUnsigned } from "../../../shared/node/frame.ts";
import { parseAs } from "../../../shared/parse.ts";
import { BODY_MAX, PACKET_MAX } from "../../../shared/protocol.ts";
import { fromRelay, type TrustMessage, trustMessage } from "../../../shared/trust.ts";
import { openRecord } from "../../../shared/verify/record.ts";
import { nextRoot } from "../../../shared/verify/root.ts";
import { signedHead, signedRoot, signedSite, trustedRoot } from "../../support/fleet.ts";

const root = (number: number, changes = {}): Numbered => ({ number, document: signedRoot({ number, ...changes }) });
const record = (number: number): Numbered => ({ number, document: signedSite({ number }) });
const head = (number: number): Numbered => ({ number, document: signedHead({ number }) });
const held = (more: Partial<Relayable> = {}): Relayable => ({
  roots: [1, 2, 3].map((number) => root(number)),
  record: record(4),
  head: head(7),
  ...more,
});
const UP_TO_DATE: Holds = { root: 3, record: 4, head: 7 };

function opened(frame: Uint8Array | null): TrustMessage {
  if (frame === null) throw new Error("nothing is relayed");
  const topic = "skerry/1/shops/s-1/down/trust";
  const json = openUnsigned({ topic, bytes: frame, maxBytes: PACKET_MAX, maxInflated: BODY_MAX });
  return parseAs(trustMessage, json, topic);
}

/** What is in a message, by number. */
function numbers(frame: Uint8Array | null): { roots: number[]; record: number | null; head: number | null } {
  const { roots, record: own, head: newest } = opened(frame);
  const numberOf = ({ body }: { body: string }) => (JSON.parse(body) as { number: number }).number;
  return {
    roots: roots.map(numberOf),
    record: own === undefined ? null : numberOf(own),
    head: newest === undefined ? null : numberOf(newest),
  };
}

describe("what a site is brought", () => {
  it.each([
    ["nothing where it lacks nothing", UP_TO_DATE],
    ["nothing where it is ahead of the hub", { root: 9, record: 9, head: 9 }],
  ])("%s", (_words, holds) => {
    expect(trustFrame(holds, held())).toBeNull();
  });

  it.each([
    ["all the roots that it missed, in order, and what may hold under the newest", 1, 4, 7, [2, 3], 4, null],
    ["the whole chain where it has none", 0, 0, 0, [1, 2, 3], 4, 7],
    ["a newer record", 3, 3, 7, [], 4, null],
    ["a newer head", 3, 4, 6, [], null, 7],
  ])("%s", (_words, rootHeld, recordHeld, headHeld, roots, itsRecord, itsHead) => {
    const frame = trustFrame({ root: rootHeld, record: recordHeld, head: headHeld }, held());
    expect(numbers(frame)).toEqual({ roots, record: itsRecord, head: itsHead });
  });

  it("no record that the newest root does not stand behind", () => {
    expect(trustFrame({ ...UP_TO_DATE, record: 1 }, held({ record: null }))).toBeNull();
  });

  it("to the byte what was signed: it holds at the other end", () => {
    const { roots, record: own } = opened(trustFrame({ root: 1, record: 0, head: 7 }, held()));
    const chain = roots.reduce((last, each) => nextRoot(last, fromRelay(each)), trustedRoot());
    expect(chain.document.number).toBe(3);
    expect(own === undefined ? null : openRecord(fromRelay(own), "s-1", chain).number).toBe(4);
  });
});

describe("size", () => {
  it("one root with ten keys and one record take less than 1000 bytes", () => {
    const frame = trustFrame({ root: 2, record: 3, head: 7 }, held());
    expect(frame?.length).toBeLessThan(1000);
  });

  const hub = (bytes: number) => [{ url: "mqtt://127.0.0.1:1883", ca: randomBytes(bytes).toString("base64") }];
  const big = (number: number) => root(number, { hubs: hub(90_000) });

  it("what does not fit one packet comes after the site said how far it got", () => {
    const roots = [root(1), ...[2, 3, 4, 5, 6].map(big)];
    const seen: number[][] = [];
    const holds = { root: 1, record: 4, head: 7 };
    while (holds.root < 6) {
      const frame = trustFrame(holds, held({ roots }));
      expect(frame?.length).toBeLessThan(PACKET_MAX - 100);
      const got = numbers(frame);
      expect(got.record).toBe(got.roots.includes(6) ? 4 : null);
      seen.push(got.roots);
      holds.root = got.roots.at(-1) ?? 6;
    }
    expect(seen).toEqual([[2, 3], [4, 5], [6]]);
  });

  it("what fits no packet is left to the sources, and keeps nothing else back", () => {
    const junk = Array.from(
      { length: 30 },
      (_, index) => [`junk-${index}`, randomBytes(12_000).toString("base64")] as const,
    );
    const { body, signatures } = record(5).document;
    const stuffed = { number: 5, document: { body, signatures: new Map([...signatures, ...junk]) } };
    expect(trustFrame(UP_TO_DATE, held({ record: stuffed }))).toBeNull();
    const relayed = trustFrame({ root: 1, record: 4, head: 6 }, held({ record: stuffed }));
    expect(numbers(relayed)).toEqual({ roots: [2, 3], record: null, head: null });
    expect(numbers(trustFrame({ ...UP_TO_DATE, head: 6 }, held({ record: stuffed })))).toEqual({
      roots: [],
      record: null,
      head: 7,
    });
  });
});
