import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Link } from "../../../agent/link/link.ts";
import { mqttLink } from "../../../agent/link/mqtt.ts";
import { embeddedBroker } from "../../../hub/broker/embedded.ts";
import { PACKET_MAX } from "../../../shared/protocol.ts";
import { cable } from "../../contract/bus/cable.ts";
import { clock, FAST, hearing, quiet, text } from "../../contract/bus/hearing.ts";
import { mosquittoLeg } from "./mosquitto.ts";

const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const TOPIC = Buffer.from("skerry/1/harbour/pos-1/down/ask");

describe("MQTT link", () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  function dial(port: number, { haste = 1, keepaliveSeconds = 60, firstSpreadMs = 0 } = {}) {
    const heard = hearing();
    const link: Link = mqttLink(
      {
        url: `mqtt://127.0.0.1:${port}`,
        fleet: "harbour",
        site: "pos-1",
        clock: clock(haste),
        random: Math.random,
        backoff: { ...FAST, firstSpreadMs },
        will: text("offline"),
        keepaliveSeconds,
      },
      heard,
    );
    closers.push(() => link.close());
    return { link, heard };
  }

  /** A port that does with each connection what `serve` says. */
  async function port(serve: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
      serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }

  /** Answers CONNECT and SUBSCRIBE, then goes on with `then`. */
  function greeting(then: (socket: Socket) => void): (socket: Socket) => void {
    return (socket) => {
      socket.once("data", () => {
        socket.write(CONNACK);
        socket.once("data", (subscribe: Buffer) => {
          socket.write(Buffer.from([0x90, 4, subscribe[2] ?? 0, subscribe[3] ?? 0, 1, 1]));
          then(socket);
        });
      });
    };
  }

  it("gives up on a peer that takes the connection and says nothing", async () => {
    const silent = await port((socket) => socket.resume());
    const { heard } = dial(silent, { haste: 300 });
    await vi.waitFor(() => expect(heard.ends().length).toBeGreaterThan(1));
    expect(heard.ends()[0]).toBe(`no answer within 30 s (127.0.0.1:${silent})`);
  });

  it("gives up on a broker that never answers the subscription", async () => {
    const { heard } = dial(await port((socket) => socket.once("data", () => socket.write(CONNACK))), { haste: 300 });
    await vi.waitFor(() => expect(heard.ends().length).toBeGreaterThan(1));
    expect(heard.ends()[0]).toMatch(/^no answer within 30 s/);
    expect(heard.connects()).toBe(0);
  });

  it("says why it was refused", async () => {
    const refusing = await port((socket) => socket.once("data", () => socket.end(Buffer.from([0x20, 2, 0, 5]))));
    const { heard } = dial(refusing);
    await vi.waitFor(() => expect(heard.ends().length).toBeGreaterThan(1));
    expect(heard.ends()[0]).toMatch(/not authorized/i);
  });

  it("takes a refused subscription as no connection", async () => {
    const refusing = await port((socket) =>
      socket.once("data", () => {
        socket.write(CONNACK);
        socket.once("data", (bytes: Buffer) =>
          socket.write(Buffer.from([0x90, 4, bytes[2] ?? 0, bytes[3] ?? 0, 1, 128])),
        );
      }),
    );
    const { heard } = dial(refusing);
    await vi.waitFor(() => expect(heard.ends()[0]).toMatch(/refused the subscription/));
    expect(heard.connects()).toBe(0);
  });

  it("says that nobody listens", async () => {
    const gone = await port(() => undefined);
    await closers.pop()?.();
    const { heard } = dial(gone);
    await vi.waitFor(() => expect(heard.ends()[0]).toMatch(/ECONNREFUSED/));
  });

  it("notices a connection that died without a word, by its keepalive, and rejects what was on its way", async () => {
    const bus = await embeddedBroker(
      { host: "127.0.0.1", port: 0, fleet: "harbour", allows: () => true, log: quiet },
      { onMessage: async () => undefined, onBreach: () => undefined },
    );
    closers.push(() => bus.close());
    const wire = await cable(() => Number(new URL(bus.url).port));
    closers.push(() => wire.end());
    const { link, heard } = dial(wire.port, { keepaliveSeconds: 1 });
    await vi.waitFor(() => expect(link.connected).toBe(true));
    await link.publish("up/report", new Uint8Array(3000));
    expect(link.bytes).toEqual(wire.carried);
    wire.silence();
    const lost = link.publish("up/report", text("r1"));
    await expect(lost).rejects.toMatchObject({ code: "unreachable" });
    expect(heard.ends()[0]).toMatch(/keepalive/i);
  });

  it("closes on a packet over the cap, whether it comes whole or never ends, and does not hand it on", async () => {
    const body = Buffer.concat([Buffer.from([0, TOPIC.length]), TOPIC, Buffer.alloc(PACKET_MAX)]);
    const whole = Buffer.concat([
      Buffer.from([0x30, 128 | (body.length & 127), 128 | ((body.length >> 7) & 127), body.length >> 14]),
      body,
    ]);
    const endless = Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(8 * PACKET_MAX)]);
    for (const packet of [whole, endless]) {
      const { link, heard } = dial(await port(greeting((socket) => socket.write(packet))));
      await vi.waitFor(() => expect(heard.ends()[0]).toMatch(/^a packet of over 262144 bytes came/));
      expect(heard.connects()).toBeGreaterThan(0);
      expect(heard.frames()).toEqual([]);
      await link.close();
      expect(link.bytes.down / heard.connects()).toBeLessThan(3 * PACKET_MAX);
    }
  });

  it("closes within a moment also when nothing of what it wrote can leave", async () => {
    const { link } = dial(await port(greeting((socket) => socket.pause())), { haste: 20 });
    await vi.waitFor(() => expect(link.connected).toBe(true));
    const stuck = Array.from({ length: 60 }, () => link.publish("up/report", new Uint8Array(PACKET_MAX - 100)));
    const all = Promise.allSettled(stuck);
    await link.close();
    expect((await all).every(({ status }) => status === "rejected")).toBe(true);
  });

  it("lives through whatever a broker sends", async () => {
    let bytes = Buffer.alloc(0);
    const serve = (greeted: boolean) =>
      greeted ? greeting((socket) => socket.end(bytes)) : (socket: Socket) => void socket.end(bytes);
    let greet = false;
    const hostile = await port((socket) => serve(greet)(socket));
    const packets = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc
          .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 100 }))
          .map(([type, body]) => Uint8Array.from([type, body.length, ...body])),
        fc.constant(Uint8Array.from(CONNACK)),
      ),
      { minLength: 1, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(fc.boolean(), packets, async (greeted, parts) => {
        greet = greeted;
        bytes = Buffer.concat(parts);
        const { link, heard } = dial(hostile);
        await vi.waitFor(() => expect(heard.ends().length).toBeGreaterThan(0), { interval: 2 });
        await link.close();
        closers.pop();
      }),
      { numRuns: 300 },
    );
  }, 30_000);

  it("takes no address but mqtt://host:port", () => {
    for (const url of ["http://hub", "hub:1883", "mqtt://", "", "mqtts://hub"]) {
      const options = { url, fleet: "harbour", site: "pos-1", clock: clock(), random: () => 0, backoff: FAST };
      expect(() => mqttLink({ ...options, will: text("offline"), keepaliveSeconds: 60 }, hearing())).toThrow(
        expect.objectContaining({ code: "config" }),
      );
    }
  });
});

if (process.env["SKERRY_MOSQUITTO"] === "1") mosquittoLeg();
