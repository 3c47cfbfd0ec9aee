import { describe, expect, it } from "vitest";
import { connectBreach, publishBreach, subscribeBreach } from "../../../hub/broker/topic-rules.ts";
import { TOPIC_KINDS, topicOf } from "../../../shared/protocol.ts";

const publish = (topic: string, qos: 0 | 1 | 2 = 1) => publishBreach("harbour", "pos-1", { topic, qos });

describe("topic rules", () => {
  it("lets a site publish on its own up/ kinds and presence, and on no other kind", () => {
    for (const kind of TOPIC_KINDS) {
      const allowed = kind.startsWith("up/") || kind === "presence";
      expect([kind, publish(topicOf("harbour", "pos-1", kind)) === undefined]).toEqual([kind, allowed]);
    }
  });

  it.each([
    "skerry/1/harbour/pos-2/up/report",
    "skerry/1/harbour/pos-10/up/report",
    "skerry/1/other/pos-1/up/report",
    "skerry/2/harbour/pos-1/up/report",
    "skerry/1/harbour/all/notice",
    "skerry/1/harbour/pos-1/up/unknown",
    "skerry/1/harbour/pos-1/up/report/",
    "/skerry/1/harbour/pos-1/up/report",
    "$SYS/broker",
    "",
  ])("lets no site publish on %s", (topic) => {
    expect(publish(topic)).toBe(`may not publish on ${JSON.stringify(topic)}`);
  });

  it("refuses QoS 2, whose half-open handshakes a broker would have to keep", () => {
    expect(publish("skerry/1/harbour/pos-1/up/report", 2)).toMatch(/QoS 2/);
  });

  it("cuts a long topic in its words", () => {
    expect(publish("x".repeat(60_000))?.length).toBeLessThan(300);
  });

  it("lets a site subscribe to its own down/# and all/#", () => {
    expect(subscribeBreach("harbour", "pos-1", "skerry/1/harbour/pos-1/down/#")).toBeUndefined();
    expect(subscribeBreach("harbour", "pos-1", "skerry/1/harbour/all/#")).toBeUndefined();
  });

  it.each([
    "#",
    "+/1/harbour/pos-1/down/#",
    "skerry/1/harbour/+/down/#",
    "skerry/1/harbour/pos-2/down/#",
    "skerry/1/harbour/pos-1/#",
    "skerry/1/harbour/pos-1/up/#",
    "skerry/1/other/all/#",
    "$SYS/#",
  ])("lets no site subscribe to %s", (filter) => {
    expect(subscribeBreach("harbour", "pos-1", filter)).toBe(`may not subscribe to ${JSON.stringify(filter)}`);
  });

  it("holds a will to the same rule, and asks for a keepalive", () => {
    const will = (topic: string) => connectBreach("harbour", { clientId: "pos-1", keepalive: 60, will: { topic } });
    expect(will("skerry/1/harbour/pos-1/presence")).toBeUndefined();
    expect(will("skerry/1/harbour/pos-2/presence")).toMatch(/leaves a will that it may not publish on/);
    expect(connectBreach("harbour", { clientId: "pos-1", keepalive: 60 })).toBeUndefined();
    expect(connectBreach("harbour", { clientId: "pos-1", keepalive: 0 })).toMatch(/keepalive/);
  });
});
