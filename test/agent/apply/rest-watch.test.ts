import { afterEach, describe, expect, test } from "vitest";
import type { WatchEvent } from "../../../agent/apply/kube.ts";
import { failure, type Script, type Scripted, scripted } from "./scripted-server.ts";

const open: Scripted[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function on(script: Script, limits?: { timeout: number; body: number }): Promise<Scripted> {
  const started = await scripted(script, limits);
  open.push(started);
  return started;
}

const KIND = { apiVersion: "v1", kind: "ConfigMap" };

describe("watches", () => {
  const event = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
  const named = (name: string) => ({ ...KIND, metadata: { name, namespace: "shop" }, data: { text: "ä€𝄞" } });
  const synced = {
    kind: "ConfigMap",
    metadata: { resourceVersion: "9", annotations: { "k8s.io/initial-events-end": "true" } },
  };

  async function watched(script: Script, resourceVersion?: string): Promise<{ events: WatchEvent[]; asked: string[] }> {
    const { kube, asked } = await on(script);
    const events: WatchEvent[] = [];
    const signal = new AbortController().signal;
    const from = resourceVersion === undefined ? {} : { resourceVersion };
    await kube.watch(KIND, { ...from, signal, onEvent: (each) => events.push(each) });
    return { events, asked };
  }

  test("events arrive whole wherever the stream is cut, and a clean end resolves", async () => {
    const stream = Buffer.from(
      event("ADDED", named("a")) +
        event("BOOKMARK", synced) +
        event("MODIFIED", named("a")) +
        event("BOOKMARK", { metadata: { resourceVersion: "12" } }) +
        event("DELETED", named("a")),
    );
    for (const size of [1, 2, 3, 7, 64, stream.length]) {
      const { events } = await watched((_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).socket?.setNoDelay(true);
        let at = 0;
        const next = () => {
          if (at >= stream.length) return response.end();
          response.write(stream.subarray(at, (at += size)), () => setImmediate(next));
          return response;
        };
        next();
      });
      expect(events).toEqual([
        { type: "added", object: named("a") },
        { type: "synced", resourceVersion: "9" },
        { type: "modified", object: named("a") },
        { type: "bookmark", resourceVersion: "12" },
        { type: "deleted", object: named("a") },
      ]);
    }
  });

  test("without a resource version it asks for the initial events, with one it goes on from there", async () => {
    const answer: Script = (_, response) => response.writeHead(200).end(event("BOOKMARK", synced));
    const fresh = await watched(answer);
    expect(fresh.asked[0]).toMatch(/sendInitialEvents=true&resourceVersionMatch=NotOlderThan$/);
    const resumed = await watched(answer, "5");
    expect(resumed.asked[0]).toMatch(/resourceVersion=5$/);
    expect(resumed.asked[0]).not.toContain("sendInitialEvents");
  });

  test.each([
    ["in the stream", 200, event("ERROR", { kind: "Status", code: 410, reason: "Expired" })],
    ["as the answer", 410, JSON.stringify({ kind: "Status", code: 410, reason: "Expired" })],
  ])("a 410 %s is expired", async (_, status, body) => {
    const error = await failure(
      watched(
        (_request, response) => response.writeHead(status, { "content-type": "application/json" }).end(body),
        "5",
      ),
    );
    expect(error).toMatchObject({ kubeClass: "expired", status: 410 });
  });

  test.each([
    ["no JSON", "{not json}\n"],
    ["half an event", '{"type":"ADDED","obj'],
    ["an object without a name", event("ADDED", { kind: "ConfigMap" })],
  ])("%s is the server's failure", async (_, body) => {
    const error = await failure(watched((_request, response) => response.writeHead(200).end(body)));
    expect(error.kubeClass).toBe("server");
  });

  test("an endless line is cut off", async () => {
    let bytes = 0;
    const error = await failure(
      watched((_, response) => {
        const more = () => {
          while (!response.destroyed) {
            bytes += 1 << 20;
            if (!response.write(Buffer.alloc(1 << 20, "x"))) break;
          }
        };
        response.writeHead(200).on("drain", more);
        more();
      }),
    );
    expect(error.kubeClass).toBe("server");
    expect(bytes).toBeLessThan(64 << 20);
  });

  test("a reset is unreachable, after the events that came before it", async () => {
    const events: WatchEvent[] = [];
    const { kube } = await on((request, response) => {
      response
        .writeHead(200)
        .write(event("ADDED", named("a")), () => setTimeout(() => request.socket.resetAndDestroy(), 20));
    });
    const signal = new AbortController().signal;
    const error = await failure(kube.watch(KIND, { signal, onEvent: (each) => events.push(each) }));
    expect(error.kubeClass).toBe("unreachable");
    expect(events).toHaveLength(1);
  });

  test("an abort ends it at once, and nothing is delivered after it", async () => {
    const { kube } = await on((_, response) => {
      response.writeHead(200).write(event("ADDED", named("a")) + event("ADDED", named("b")));
    });
    const stop = new AbortController();
    const events: WatchEvent[] = [];
    await kube.watch(KIND, {
      signal: stop.signal,
      onEvent: (each) => {
        events.push(each);
        stop.abort();
      },
    });
    expect(events).toHaveLength(1);
    await kube.watch(KIND, { signal: stop.signal, onEvent: () => events.push() });
    expect(events).toHaveLength(1);
  });

  test("an error of the listener is the caller's, as it was", async () => {
    const { kube } = await on((_, response) => {
      response.writeHead(200).write(event("ADDED", named("a")));
    });
    const thrown = new Error("the listener's");
    const onEvent = () => {
      throw thrown;
    };
    await expect(kube.watch(KIND, { signal: new AbortController().signal, onEvent })).rejects.toBe(thrown);
  });
});
