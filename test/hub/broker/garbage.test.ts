import { connect } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Bus, BusEvents } from "../../../hub/broker/bus.ts";
import { embeddedBroker } from "../../../hub/broker/embedded.ts";
import { quiet } from "../../contract/bus/hearing.ts";
import { CONNACK, connectPacket, header, PUBACK, publishPacket, raw, subscribePacket } from "./raw.ts";

const REPORT = "skerry/1/harbour/pos-1/up/report";

/** Bytes that look like MQTT to different depths. */
function hostileBytes(): fc.Arbitrary<Buffer> {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  const framed = fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 200 }))
    .map(([type, body]) => Buffer.concat([header(type, body.length), body]));
  const valid = fc.constantFrom(
    connectPacket("pos-1"),
    connectPacket("pos-1", { clean: false, will: { topic: "skerry/1/harbour/pos-1/presence", payload: "offline" } }),
    publishPacket(REPORT, "r1"),
    subscribePacket("skerry/1/harbour/pos-1/down/#"),
  );
  const damaged = fc.tuple(valid, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([packet, at, byte]) => {
    const copy = Buffer.from(packet);
    copy[at % copy.length] = byte;
    return copy;
  });
  const parts = fc.array(fc.oneof(bytes, framed, valid, damaged), { minLength: 1, maxLength: 6 });
  return fc
    .tuple(fc.boolean(), parts)
    .map(([greeted, rest]) => Buffer.concat(greeted ? [connectPacket("pos-1"), ...rest] : rest));
}

describe("embedded broker under garbage", () => {
  const onMessage = vi.fn<BusEvents["onMessage"]>(async () => undefined);
  let bus: Bus;

  beforeAll(async () => {
    bus = await embeddedBroker(
      {
        host: "127.0.0.1",
        port: 0,
        fleet: "harbour",
        allows: (site) => site === "pos-1" || site === "pos-2",
        log: quiet,
        connectTimeoutMs: 300,
      },
      { onMessage, onBreach: () => undefined },
    );
  });
  afterAll(() => bus.close());

  async function throwAt(bytes: Buffer, chunk: number, abrupt: boolean): Promise<void> {
    const socket = connect(Number(new URL(bus.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    for (let at = 0; at < bytes.length; at += chunk) socket.write(bytes.subarray(at, at + chunk));
    if (abrupt) socket.destroySoon();
    else socket.end();
    await closed;
  }

  it("goes on serving, keeps no connection, and commits nothing outside the sender's topics", async () => {
    await fc.assert(fc.asyncProperty(hostileBytes(), fc.integer({ min: 1, max: 400 }), fc.boolean(), throwAt), {
      numRuns: 400,
    });
    for (const [{ topic, client }] of onMessage.mock.calls) {
      expect(client).toMatch(/^pos-[12]$/);
      expect(topic).toMatch(new RegExp(`^skerry/1/harbour/${client}/(?:up/(?:hello|report|event|answer)|presence)$`));
    }
    const client = await raw(bus.url);
    client.send(connectPacket("pos-2"), publishPacket(REPORT.replace("pos-1", "pos-2"), "alive"));
    await vi.waitFor(() => expect(client.types()).toEqual([CONNACK, PUBACK]));
    client.socket.destroy();
    await vi.waitFor(() => expect(openSockets()).toBe(0));
  });

  /** Connections of this process to itself that are still open, either end. */
  function openSockets(): number {
    return process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
  }
});
