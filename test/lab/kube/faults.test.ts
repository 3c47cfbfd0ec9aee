import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Client, CONFIG_MAPS, startClient } from "./client.ts";

let client: Client;
beforeAll(async () => {
  client = await startClient();
});
afterEach(() => client.cluster.faults.clear());
afterAll(() => client.cluster.stop());

test("unavailable for a number of requests, then well again", async () => {
  client.cluster.faults.set({ unavailable: 2 });
  const codes = [];
  for (let n = 0; n < 3; n++) codes.push((await client.get(CONFIG_MAPS)).code);
  expect(codes).toEqual([503, 503, 200]);
});

test("throttled: 429 as plain text, with Retry-After", async () => {
  client.cluster.faults.set({ throttled: 1, retryAfterSeconds: 7 });
  const { code, type, headers } = await client.get(CONFIG_MAPS);
  expect([code, type, headers.get("retry-after")]).toEqual([429, "text/plain; charset=utf-8", "7"]);
});

test("reset: no answer at all", async () => {
  client.cluster.faults.set({ reset: 1 });
  await expect(client.get(CONFIG_MAPS)).rejects.toThrow();
  expect((await client.get(CONFIG_MAPS)).code).toBe(200);
});

test("slow: the answer is held back", async () => {
  client.cluster.faults.set({ slowMs: 60_000 });
  const signal = AbortSignal.timeout(50);
  await expect(fetch(`${client.cluster.server}/readyz`, { signal })).rejects.toThrow();
});

test("another process switches them over HTTP, which no fault hits", async () => {
  const set = await client.send("POST", "/lab/faults", { unavailable: "all", slowMs: 1 });
  expect(set.body).toMatchObject({ unavailable: "all", slowMs: 1, reset: 0 });
  expect((await client.get(CONFIG_MAPS)).code).toBe(503);
  expect((await client.send("DELETE", "/lab/faults")).body).toMatchObject({ unavailable: 0, slowMs: 0 });
  expect((await client.get(CONFIG_MAPS)).code).toBe(200);
});

test("a fault that does not exist is refused, and nothing changes", async () => {
  for (const body of [{ unavailble: 1, slowMs: 9 }, { silentWatches: 1 }, { reset: -1 }, { slowMs: "all" }]) {
    expect((await client.send("POST", "/lab/faults", body)).code).toBe(400);
  }
  expect((await client.get("/lab/faults")).body).toMatchObject({ slowMs: 0, reset: 0, silentWatches: false });
});

test("it counts what it served, by verb", async () => {
  const before = client.cluster.state().requests;
  await client.get(CONFIG_MAPS);
  await client.get(`${CONFIG_MAPS}/none`);
  await client.get("/apis/apps/v1");
  const after = (await client.get("/lab/state")).body["requests"] as Record<string, number>;
  const grown = (verb: string): number => (after[verb] ?? 0) - (before[verb] ?? 0);
  expect(["list", "get", "discovery", "watch"].map(grown)).toEqual([1, 1, 1, 0]);
});
