import { describe, expect, it } from "vitest";
import { type ConnectionEvents, keepConnected } from "../../../agent/link/redial.ts";
import { hearing, text } from "../../contract/bus/hearing.ts";

const BACKOFF = { firstSpreadMs: 60_000, baseMs: 1_000, maxMs: 900_000 };

/** Chance is always 1/2, so that every wait is half of its ceiling. */
function lab(backoff = { ...BACKOFF }) {
  let now = 0;
  let timer: { at: number; run: () => void } | undefined;
  const waits: number[] = [];
  const attempts: (ConnectionEvents & { dropped?: string })[] = [];
  const heard = hearing();
  const clock = {
    now: () => now,
    monotonic: () => now,
    after(ms: number, run: () => void) {
      waits.push(ms);
      timer = { at: now + ms, run };
      return () => {
        timer = undefined;
      };
    },
  };
  const link = keepConnected(
    { fleet: "harbour", site: "pos-1", clock, random: () => 0.5, backoff },
    (events) => {
      const attempt: (typeof attempts)[number] = { ...events };
      attempts.push(attempt);
      return {
        publish: async () => undefined,
        bytes: { up: 10, down: 1 },
        drop: (because) => {
          attempt.dropped = because;
        },
        leave: () => queueMicrotask(() => events.onEnd("left")),
      };
    },
    heard,
  );
  return {
    link,
    heard,
    waits,
    attempts,
    pass: (ms: number) => {
      now += ms;
    },
    dial(): ConnectionEvents & { dropped?: string } {
      const due = timer;
      if (due === undefined) throw new Error("nothing waits");
      timer = undefined;
      now = due.at;
      due.run();
      const attempt = attempts.at(-1);
      if (attempt === undefined) throw new Error("nothing was opened");
      return attempt;
    },
  };
}

describe("keepConnected", () => {
  it("spreads its first attempt and backs off while attempts fail", () => {
    const { waits, dial, heard, attempts } = lab();
    for (let attempt = 0; attempt < 13; attempt += 1) dial().onEnd("nobody listens there");
    expect(waits.map((ms) => ms / 1000)).toEqual([30, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 450, 450, 450]);
    expect(heard.ends()).toHaveLength(attempts.length);
    expect(heard.connects()).toBe(0);
  });

  it("spreads again after a connection that was up: the whole fleet may have lost its hub", () => {
    const { waits, dial, pass } = lab();
    for (let round = 0; round < 3; round += 1) {
      const connection = dial();
      connection.onUp();
      pass(3_600_000);
      connection.onEnd("the other side closed the connection");
    }
    expect(waits).toEqual([30_000, 30_000, 30_000, 30_000]);
  });

  it("backs off from a hub that accepts and drops at once, even without a spread", () => {
    const { waits, dial } = lab({ ...BACKOFF, firstSpreadMs: 0 });
    for (let round = 0; round < 6; round += 1) {
      const connection = dial();
      connection.onUp();
      connection.onEnd("the other side closed the connection");
    }
    expect(waits).toEqual([0, 500, 1000, 2000, 4000, 8000, 16_000]);
  });

  it("reads the reconnect window anew before every wait", () => {
    const backoff = { ...BACKOFF };
    const { waits, dial, pass } = lab(backoff);
    const connection = dial();
    connection.onUp();
    pass(3_600_000);
    backoff.firstSpreadMs = 600_000;
    connection.onEnd("the other side closed the connection");
    expect(waits).toEqual([30_000, 300_000]);
  });

  it("hands on what it knows and leaves out what it does not", () => {
    const { dial, heard } = lab();
    const { onUp, onMessage } = dial();
    onUp();
    for (const topic of [
      "skerry/1/harbour/pos-1/down/assign",
      "skerry/1/harbour/pos-1/down/of-a-newer-hub",
      "skerry/1/other/pos-1/down/assign",
      "$SYS/x",
    ]) {
      onMessage(topic, text("a1"));
    }
    expect(heard.said()).toEqual(["down/assign a1"]);
  });

  it("drops the connection, not the process, when a message cannot be taken", () => {
    const { dial, heard } = lab();
    heard.onMessage = () => {
      throw new Error("no such thing");
    };
    const connection = dial();
    connection.onUp();
    connection.onMessage("skerry/1/harbour/pos-1/down/ask", text("?"));
    expect(connection.dropped).toBe("the message on skerry/1/harbour/pos-1/down/ask could not be taken: no such thing");
  });

  it("adds up the bytes of all its connections", () => {
    const { link, dial } = lab();
    dial().onEnd("cut");
    expect(link.bytes).toEqual({ up: 10, down: 1 });
    dial();
    expect(link.bytes).toEqual({ up: 20, down: 2 });
  });

  it("waits for its connection to end when it is closed, and does not dial again", async () => {
    const { link, dial, waits, heard } = lab();
    dial().onUp();
    await link.close();
    expect(heard.ends()).toEqual(["left"]);
    expect(waits).toHaveLength(1);
    expect(link.connected).toBe(false);
  });
});
