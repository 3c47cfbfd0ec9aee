import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Link, LinkEvents } from "../../../agent/link/link.ts";
import type { Bus, BusEvents } from "../../../hub/broker/bus.ts";
import { PACKET_MAX } from "../../../shared/protocol.ts";
import { type Heard, hearing, text } from "./hearing.ts";

/**
 * What one pair of adapters, the hub's end and the site's, gives to the suite. Fleet `harbour`; sites `pos-1` and
 * `pos-2` are known.
 */
export interface BusLab {
  /** Starts the hub's end; again after its `close` at the same address. */
  bus(events: BusEvents): Promise<Bus>;
  /** Waits of at most 100 ms between attempts. */
  connect(site: string, events: LinkEvents): Link;
  /** Ends the site's connection as a pulled cable does. */
  cut(site: string): void;
  end(): Promise<void>;
}

/** What every hub's end and every site's end must do, whatever is between them. */
export function busContract(name: string, setup: () => Promise<BusLab>): void {
  describe(`bus over ${name}`, () => {
    let lab: BusLab;
    let hub: ReturnType<typeof hubEvents>;
    let bus: Bus;
    const links: Link[] = [];

    beforeEach(async () => {
      lab = await setup();
      hub = hubEvents();
      bus = await lab.bus(hub);
    });

    afterEach(async () => {
      await Promise.all(links.splice(0).map((link) => link.close()));
      await bus.close();
      await lab.end();
    });

    function dial(site: string): { link: Link; heard: Heard } {
      const heard = hearing();
      const link = lab.connect(site, heard);
      links.push(link);
      return { link, heard };
    }

    async function connected(site: string): Promise<{ link: Link; heard: Heard }> {
      const both = dial(site);
      await vi.waitFor(() => expect(both.link.connected).toBe(true));
      return both;
    }

    it("acknowledges a message only after the hub has committed it", async () => {
      const { link } = await connected("pos-1");
      const commit = Promise.withResolvers<void>();
      hub.onMessage.mockImplementationOnce(() => commit.promise);
      let acknowledged = false;
      const sent = link.publish("up/report", text("r1")).then(() => {
        acknowledged = true;
      });
      await vi.waitFor(() => expect(hub.onMessage).toHaveBeenCalled());
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(acknowledged).toBe(false);
      commit.resolve();
      await sent;
      expect(hub.said()).toEqual(["pos-1 skerry/1/harbour/pos-1/up/report r1"]);
    });

    it("does not acknowledge what the hub could not commit, and takes it again on the next connection", async () => {
      const { link, heard } = await connected("pos-1");
      hub.onMessage.mockRejectedValueOnce(new Error("the disk is full"));
      await expect(link.publish("up/event", text("e1"))).rejects.toMatchObject({ code: "unreachable" });
      await vi.waitFor(() => expect(heard.connects()).toBe(2));
      await link.publish("up/event", text("e1"));
      expect(hub.said().filter((line) => line.endsWith("up/event e1"))).toHaveLength(2);
    });

    it("takes nothing that follows a message that it could not commit", async () => {
      const { link } = await connected("pos-1");
      hub.onMessage.mockRejectedValueOnce(new Error("the disk is full"));
      const sent = [1, 2, 3].map((number) => link.publish("up/event", text(`e${number}`)));
      for (const each of await Promise.allSettled(sent)) expect(each.status).toBe("rejected");
      expect(hub.said().filter((line) => line.includes("up/event"))).toHaveLength(1);
    });

    it("commits the messages of one site in their order, one at a time", async () => {
      const { link } = await connected("pos-1");
      let running = 0;
      hub.onMessage.mockImplementation(async () => {
        running += 1;
        expect(running).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        running -= 1;
      });
      const numbers = Array.from({ length: 20 }, (_, index) => `e${index}`);
      await Promise.all(numbers.map((number) => link.publish("up/event", text(number))));
      expect(hub.said().map((line) => line.split(" ")[2])).toEqual(numbers);
    });

    it("does not let one site wait for another", async () => {
      const [one, two] = [await connected("pos-1"), await connected("pos-2")];
      const commit = Promise.withResolvers<void>();
      hub.onMessage.mockImplementationOnce(() => commit.promise);
      const slow = one.link.publish("up/report", text("r1"));
      await vi.waitFor(() => expect(hub.onMessage).toHaveBeenCalled());
      await two.link.publish("up/report", text("r2"));
      commit.resolve();
      await slow;
    });

    it("hands over the same message twice when it is sent twice", async () => {
      const { link } = await connected("pos-1");
      await link.publish("up/event", text("e1"));
      await link.publish("up/event", text("e1"));
      expect(hub.said()).toHaveLength(2);
    });

    it("brings a retained assignment to a site that is connected, and to one that connects later", async () => {
      const now = await connected("pos-1");
      for (const site of ["pos-1", "pos-2"]) {
        await bus.publish(`skerry/1/harbour/${site}/down/assign`, text(`to ${site}`), { retain: true });
      }
      await vi.waitFor(() => expect(now.heard.said()).toEqual(["down/assign to pos-1"]));
      const later = await connected("pos-2");
      await vi.waitFor(() => expect(later.heard.said()).toEqual(["down/assign to pos-2"]));
    });

    it("brings only the newest of a retained assignment", async () => {
      for (const number of [1, 2, 3]) {
        await bus.publish("skerry/1/harbour/pos-1/down/assign", text(`a${number}`), { retain: true });
      }
      await bus.publish("skerry/1/harbour/pos-1/down/trust", text("t1"), { retain: true });
      const { heard } = await connected("pos-1");
      await vi.waitFor(() => expect(heard.said()).toHaveLength(2));
      expect(heard.said().toSorted()).toEqual(["down/assign a3", "down/trust t1"]);
    });

    it("forgets what was not retained for a site that was away", async () => {
      await bus.publish("skerry/1/harbour/pos-1/down/ask", text("gone"), { retain: false });
      const { heard } = await connected("pos-1");
      await bus.publish("skerry/1/harbour/pos-1/down/ask", text("now"), { retain: false });
      await vi.waitFor(() => expect(heard.said()).toEqual(["down/ask now"]));
    });

    it("keeps the order of what the hub sends to a site", async () => {
      const { heard } = await connected("pos-1");
      const lines = Array.from({ length: 20 }, (_, index) => `${index}`);
      for (const line of lines) await bus.publish("skerry/1/harbour/pos-1/down/ack", text(line), { retain: false });
      await vi.waitFor(() => expect(heard.said()).toEqual(lines.map((line) => `down/ack ${line}`)));
    });

    it("says that a site is offline when its connection was cut, and when it closed", async () => {
      const { link, heard } = await connected("pos-1");
      await link.publish("presence", text("online"), { retain: true });
      lab.cut("pos-1");
      const offline = "pos-1 skerry/1/harbour/pos-1/presence offline pos-1";
      await vi.waitFor(() => expect(hub.said().filter((line) => line === offline)).toHaveLength(1));
      await vi.waitFor(() => expect(heard.connects()).toBe(2));
      await link.close();
      await vi.waitFor(() => expect(hub.said().filter((line) => line === offline)).toHaveLength(2));
    });

    it("rejects what was on its way when the connection was cut, and at once while there is none", async () => {
      const { link, heard } = await connected("pos-1");
      hub.onMessage.mockImplementationOnce(() => new Promise(() => undefined));
      const lost = link.publish("up/report", text("r1"));
      await vi.waitFor(() => expect(hub.onMessage).toHaveBeenCalled());
      await bus.close();
      await expect(lost).rejects.toMatchObject({ code: "unreachable" });
      expect(link.connected).toBe(false);
      await expect(link.publish("up/report", text("r2"))).rejects.toMatchObject({ code: "unreachable" });
      expect(heard.ends().at(-1)).toBeTruthy();
    });

    it("finds the hub again after it started anew, which says what it retained again", async () => {
      const { link, heard } = await connected("pos-1");
      await bus.close();
      await vi.waitFor(() => expect(heard.ends().length).toBeGreaterThan(2));
      hub = hubEvents();
      bus = await lab.bus(hub);
      await bus.publish("skerry/1/harbour/pos-1/down/assign", text("a1"), { retain: true });
      await vi.waitFor(() => expect(link.connected).toBe(true));
      await link.publish("up/hello", text("back"));
      expect(hub.said()).toEqual(["pos-1 skerry/1/harbour/pos-1/up/hello back"]);
      await vi.waitFor(() => expect(heard.said()).toEqual(["down/assign a1"]));
    });

    it("says nothing about its sites when the hub itself goes away", async () => {
      await connected("pos-1");
      await bus.close();
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(hub.said()).toEqual([]);
    });

    it("closes the connection of a site that speaks where it may only listen, and tells", async () => {
      const { link, heard } = await connected("pos-1");
      await expect(link.publish("down/assign", text("mine"))).rejects.toMatchObject({ code: "unreachable" });
      expect(hub.breaches()).toEqual([expect.stringMatching(/^pos-1: sender: site "?pos-1"? may not publish on/)]);
      await vi.waitFor(() => expect(heard.connects()).toBe(2));
      expect(hub.said().filter((line) => line.includes("assign"))).toEqual([]);
    });

    it("refuses a site that it does not know and tells both ends", async () => {
      const { link, heard } = dial("pos-9");
      await vi.waitFor(() => expect(heard.ends().length).toBeGreaterThan(1));
      expect(link.connected).toBe(false);
      expect(heard.connects()).toBe(0);
      expect(hub.breaches()[0]).toMatch(/^pos-9: sender: site "?pos-9"? is not known to this hub/);
      expect(hub.said()).toEqual([]);
    });

    it("sends no message and no frame that does not fit in a packet", async () => {
      const { link, heard } = await connected("pos-1");
      const large = new Uint8Array(PACKET_MAX);
      await expect(link.publish("up/report", large)).rejects.toMatchObject({ code: "too-large" });
      await expect(bus.publish("skerry/1/harbour/pos-1/down/assign", large, { retain: true })).rejects.toMatchObject({
        code: "too-large",
      });
      const fits = large.subarray(0, PACKET_MAX - 100);
      await link.publish("up/report", fits);
      await bus.publish("skerry/1/harbour/pos-1/down/assign", fits, { retain: true });
      await vi.waitFor(() => expect(heard.frames()).toEqual([fits.byteLength]));
      expect(heard.connects()).toBe(1);
    });

    it("lets a later connection of the same site take the place of the first", async () => {
      const first = await connected("pos-1");
      const second = await connected("pos-1");
      await vi.waitFor(() => expect(first.heard.ends().length).toBeGreaterThan(0));
      await first.link.close();
      // The two displace each other until the first is closed, so the second may be on its way back still.
      await vi.waitFor(() => second.link.publish("up/report", text("r1")));
    });

    it("counts its bytes over all its connections", async () => {
      const { link, heard } = await connected("pos-1");
      await link.publish("up/report", new Uint8Array(5000));
      const before = link.bytes;
      expect(before.up).toBeGreaterThan(5000);
      lab.cut("pos-1");
      await vi.waitFor(() => expect(heard.connects()).toBe(2));
      expect(link.bytes.up).toBeGreaterThan(before.up);
      expect(link.bytes.down).toBeGreaterThan(before.down);
    });

    it("can be closed while it waits, twice, and stays closed", async () => {
      await bus.close();
      const { link, heard } = dial("pos-1");
      await vi.waitFor(() => expect(heard.ends().length).toBeGreaterThan(0));
      await Promise.all([link.close(), link.close()]);
      const ends = heard.ends().length;
      bus = await lab.bus(hub);
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(heard.connects()).toBe(0);
      expect(heard.ends()).toHaveLength(ends);
    });
  });
}

function hubEvents() {
  const onMessage = vi.fn<BusEvents["onMessage"]>(async () => undefined);
  const onBreach = vi.fn<BusEvents["onBreach"]>();
  return {
    onMessage,
    onBreach,
    said: () =>
      onMessage.mock.calls.map(([{ client, topic, frame }]) => `${client} ${topic} ${Buffer.from(frame).toString()}`),
    breaches: () => onBreach.mock.calls.map(([{ client, words }]) => `${client}: ${words}`),
  };
}
