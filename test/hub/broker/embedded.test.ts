import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Bus, BusEvents } from "../../../hub/broker/bus.ts";
import { embeddedBroker } from "../../../hub/broker/embedded.ts";
import { PACKET_MAX, PACKET_MAX_UNAUTHENTICATED } from "../../../shared/protocol.ts";
import { quiet } from "../../contract/bus/hearing.ts";
import {
  CONNACK,
  connectPacket,
  DISCONNECT,
  PINGREQ,
  PUBACK,
  publishPacket,
  type Raw,
  raw,
  SUBACK,
  subscribePacket,
} from "./raw.ts";

const REPORT = "skerry/1/harbour/pos-1/up/report";
const PRESENCE = "skerry/1/harbour/pos-1/presence";
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

describe("embedded broker, byte by byte", () => {
  const onMessage = vi.fn<BusEvents["onMessage"]>();
  const onBreach = vi.fn<BusEvents["onBreach"]>();
  let bus: Bus;
  let others: Raw[] = [];

  beforeEach(async () => {
    onMessage.mockReset().mockResolvedValue(undefined);
    onBreach.mockReset();
    bus = await embeddedBroker(
      {
        host: "127.0.0.1",
        port: 0,
        fleet: "harbour",
        allows: (site) => /^pos-\d$/.test(site),
        log: quiet,
        connectTimeoutMs: 200,
      },
      { onMessage, onBreach },
    );
  });

  afterEach(async () => {
    for (const each of others) each.socket.destroy();
    others = [];
    await bus.close();
  });

  async function dial(): Promise<Raw> {
    const client = await raw(bus.url);
    others.push(client);
    return client;
  }

  async function connected(site = "pos-1", words: Parameters<typeof connectPacket>[1] = {}): Promise<Raw> {
    const client = await dial();
    client.send(connectPacket(site, words));
    await vi.waitFor(() => expect(client.types()).toEqual([CONNACK]));
    return client;
  }

  const breaches = () => onBreach.mock.calls.map(([{ words }]) => words);

  it("sends no PUBACK before the commit, and then in the order of the messages", async () => {
    const client = await connected();
    const commits = [1, 2, 3].map(() => Promise.withResolvers<void>());
    for (const { promise } of commits) onMessage.mockImplementationOnce(() => promise);
    client.send(...[1, 2, 3].map((id) => publishPacket(REPORT, `r${id}`, { id })));
    for (const [index, commit] of commits.entries()) {
      await vi.waitFor(() => expect(onMessage).toHaveBeenCalledTimes(index + 1));
      await settle();
      expect(client.types()).toEqual([CONNACK, ...Array(index).fill(PUBACK)]);
      expect(onMessage).toHaveBeenCalledTimes(index + 1);
      commit.resolve();
    }
    await vi.waitFor(() => expect(client.types()).toEqual([CONNACK, PUBACK, PUBACK, PUBACK]));
    const numbers = [4, 8, 12].map((at) => client.bytes().readUInt16BE(at + 2));
    expect(numbers).toEqual([1, 2, 3]);
  });

  it("closes without a PUBACK when the commit fails, and takes nothing that came with it", async () => {
    const client = await connected("pos-1", { will: { topic: PRESENCE, payload: "offline" } });
    onMessage.mockRejectedValueOnce(new Error("the disk is full"));
    client.send(publishPacket(REPORT, "r1", { id: 1 }), publishPacket(REPORT, "r2", { id: 2 }));
    await client.closed;
    expect(client.types()).toEqual([CONNACK]);
    // Its will is a later event of its own, and true.
    await vi.waitFor(() => expect(onMessage).toHaveBeenCalledTimes(2));
    expect(onMessage.mock.calls.map(([{ topic }]) => topic)).toEqual([REPORT, PRESENCE]);
    expect(breaches()).toEqual([]);
  });

  it("survives a commit that outlives its connection", async () => {
    const client = await connected();
    const commit = Promise.withResolvers<void>();
    onMessage.mockImplementationOnce(() => commit.promise);
    client.send(publishPacket(REPORT, "r1"));
    await vi.waitFor(() => expect(onMessage).toHaveBeenCalled());
    client.socket.resetAndDestroy();
    await settle();
    commit.resolve();
    await connected();
  });

  it("stops reading from a site whose messages wait, and goes on when they are committed", async () => {
    const client = await connected();
    const commit = Promise.withResolvers<void>();
    onMessage.mockImplementationOnce(() => commit.promise);
    const large = new Uint8Array(PACKET_MAX - 100);
    const sent = 40;
    for (let id = 1; id <= sent; id += 1) client.send(publishPacket(REPORT, large, { id }));
    await vi.waitFor(() => expect(onMessage).toHaveBeenCalled());
    await settle();
    // 10 MB do not fit in what the kernel holds; without the hold they would all be in this process by now.
    expect(client.socket.writableLength).toBeGreaterThan(0);
    commit.resolve();
    await vi.waitFor(() => expect(onMessage).toHaveBeenCalledTimes(sent), { timeout: 5000 });
    expect(client.socket.writableLength).toBe(0);
  });

  it("hands over a will that the connection's end sets free, after what came before it", async () => {
    const client = await connected("pos-1", { will: { topic: PRESENCE, payload: "offline" } });
    client.send(publishPacket(REPORT, "r1"));
    client.socket.end();
    await vi.waitFor(() => expect(onMessage).toHaveBeenCalledTimes(2));
    expect(onMessage.mock.calls.map(([{ topic }]) => topic)).toEqual([REPORT, PRESENCE]);
  });

  it("drops the will at a DISCONNECT", async () => {
    const client = await connected("pos-1", { will: { topic: PRESENCE, payload: "offline" } });
    client.send(DISCONNECT);
    await client.closed;
    await settle();
    expect(onMessage).not.toHaveBeenCalled();
  });

  it("lets nobody publish or subscribe elsewhere, with a message to go by", async () => {
    const hostile: [string, Buffer][] = [
      ["may not publish", publishPacket("skerry/1/harbour/pos-2/up/report", "forged")],
      ["may not publish", publishPacket("skerry/1/harbour/pos-1/down/assign", "forged", { qos: 0 })],
      ["may not publish", publishPacket("$SYS/x", "forged")],
      ["publishes with QoS 2", publishPacket(REPORT, "twice", { qos: 2 })],
      ["may not subscribe", subscribePacket("skerry/1/harbour/pos-2/down/#")],
      ["may not subscribe", subscribePacket("skerry/1/harbour/+/down/#")],
      ["may not subscribe", subscribePacket("#")],
    ];
    for (const [words, packet] of hostile) {
      const client = await connected();
      client.send(packet, publishPacket(REPORT, "after the breach", { id: 9 }));
      await client.closed;
      expect(client.types()).toEqual([CONNACK]);
      expect(breaches().at(-1)).toMatch(new RegExp(`^sender: site "pos-1" ${words}.*\\(127\\.0\\.0\\.1:\\d+\\)$`));
    }
    expect(breaches()).toHaveLength(hostile.length);
    expect(onMessage).not.toHaveBeenCalled();
  });

  it("refuses with CONNACK 5 who it does not know, whose will is for elsewhere, and who would never ping", async () => {
    const refused: Buffer[] = [
      connectPacket("pos-x"),
      connectPacket(""),
      connectPacket("pos-1", { will: { topic: "skerry/1/harbour/pos-2/presence", payload: "offline" } }),
      connectPacket("pos-1", { keepalive: 0 }),
    ];
    const settled = await connected();
    for (const packet of refused) {
      const client = await dial();
      client.send(packet);
      await client.closed;
      expect([...client.bytes()]).toEqual([CONNACK, 2, 0, 5]);
    }
    expect(breaches().join("\n")).toMatch(/not known[^]*not known[^]*leaves a will[^]*keepalive/);
    settled.send(publishPacket(REPORT, "still here"));
    await vi.waitFor(() => expect(settled.types()).toEqual([CONNACK, PUBACK]));
    expect(onMessage).toHaveBeenCalledTimes(1);
  });

  it("closes only the connection whose packet is over the cap, before and after authentication", async () => {
    const bystander = await connected("pos-2");
    const early = await dial();
    const will = { topic: PRESENCE, payload: new Uint8Array(PACKET_MAX_UNAUTHENTICATED) };
    early.send(connectPacket("pos-1", { will }));
    await early.closed;
    expect(breaches()).toEqual([
      expect.stringMatching(/^too-large: a client sends a packet of \d+ bytes or more; 1024/),
    ]);

    const late = await connected();
    late.send(publishPacket(REPORT, new Uint8Array(PACKET_MAX)).subarray(0, 10));
    await late.closed;
    expect(breaches()[1]).toMatch(/^too-large: site "pos-1" sends a packet of \d+ bytes or more; 262144/);

    bystander.send(PINGREQ);
    await vi.waitFor(() => expect(bystander.types()).toEqual([CONNACK, 0xd0]));
    expect(onMessage).not.toHaveBeenCalled();
  });

  it("closes a peer that says nothing, or not all of a CONNECT, in time", async () => {
    const [silent, slow] = [await dial(), await dial()];
    slow.send(connectPacket("pos-1").subarray(0, 9));
    await Promise.all([silent.closed, slow.closed]);
    expect(silent.bytes()).toHaveLength(0);
  });

  it("keeps no session: what was sent to a site that was away does not wait for it", async () => {
    const filter = "skerry/1/harbour/pos-1/down/#";
    const first = await connected("pos-1", { clean: false });
    first.send(subscribePacket(filter));
    await vi.waitFor(() => expect(first.types()).toEqual([CONNACK, SUBACK]));
    first.send(DISCONNECT);
    await first.closed;
    await bus.publish("skerry/1/harbour/pos-1/down/ask", Buffer.from("stale"), { retain: false });
    const second = await connected("pos-1", { clean: false });
    second.send(subscribePacket(filter));
    await vi.waitFor(() => expect(second.types()).toEqual([CONNACK, SUBACK]));
    await settle();
    expect(second.types()).toEqual([CONNACK, SUBACK]);
    expect(second.bytes()[2]).toBe(0);
  });

  it("closes at once, clients and port, and is content to be closed again", async () => {
    const clients = [await connected("pos-1"), await connected("pos-2"), await dial()];
    await Promise.all([bus.close(), bus.close()]);
    await Promise.all(clients.map((client) => client.closed));
    await expect(bus.publish(REPORT, Buffer.from("late"), { retain: true })).rejects.toMatchObject({
      code: "unreachable",
    });
  });

  it("says which port is taken", async () => {
    const port = Number(new URL(bus.url).port);
    const second = embeddedBroker(
      { host: "127.0.0.1", port, fleet: "harbour", allows: () => true, log: quiet },
      { onMessage, onBreach },
    );
    await expect(second).rejects.toMatchObject({ code: "config", where: `127.0.0.1:${port}` });
    await bus.close();
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(port, "127.0.0.1", resolve));
    await new Promise((resolve) => free.close(resolve));
  });
});
