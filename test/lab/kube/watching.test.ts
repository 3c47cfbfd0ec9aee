import { afterEach, expect, test } from "vitest";
import { at, type Client, CONFIG_MAPS, configMap, startClient, until, type WatchLine } from "./client.ts";
import type { LabOptions } from "./cluster.ts";

let client: Client;
afterEach(() => client.cluster.stop());

async function start(options: LabOptions = {}): Promise<void> {
  client = await startClient(options);
}

const INITIAL = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";

function told(events: WatchLine[]): string[] {
  return events.map(({ type, object }) => `${type} ${String(at(object, "metadata", "name") ?? "")}`.trim());
}

test("initial events end with the bookmark that says so, and bookmarks follow at their interval", async () => {
  await start({ bookmarkMs: 10 });
  await client.apply(`${CONFIG_MAPS}/one`, configMap("one", {}, { labels: { app: "x" } }));
  const { events } = await client.watch(`${CONFIG_MAPS}?${INITIAL}&labelSelector=app%3Dx`, ({ length }) => length > 2);
  expect(told(events)).toEqual(["ADDED one", "BOOKMARK", "BOOKMARK"]);
  const annotations = { "k8s.io/initial-events-end": "true" };
  expect(at(events, 1, "object", "metadata", "annotations")).toEqual(annotations);
  expect(at(events, 2, "object", "metadata", "annotations")).toBeUndefined();
  expect(at(events, 1, "object", "metadata", "resourceVersion")).toBe(client.cluster.state().resourceVersion);
});

test("initial events without NotOlderThan are refused", async () => {
  await start();
  expect((await client.get(`${CONFIG_MAPS}?watch=true&sendInitialEvents=true`)).code).toBe(422);
});

test("a resourceVersion older than what is kept is an ERROR of 410 in the stream", async () => {
  await start({ history: 2 });
  const { body } = await client.get(CONFIG_MAPS);
  const from = String(at(body, "metadata", "resourceVersion"));
  for (const a of ["1", "2", "3"]) await client.apply(`${CONFIG_MAPS}/old`, configMap("old", { a }));
  const { events, ended } = await client.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${from}`, () => false);
  expect(ended).toBe(true);
  expect(events).toMatchObject([{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }]);
});

test("a resourceVersion ahead of the server is silence for a watch, and 504 for a list", async () => {
  await start({ bookmarkMs: 10 });
  const query = "watch=true&resourceVersion=999999&timeoutSeconds=1";
  const watched = client.watch(`${CONFIG_MAPS}?${query}`, () => false);
  await until("it is open", async () => (client.cluster.state().openWatches === 1 ? true : null));
  await client.apply(`${CONFIG_MAPS}/late`, configMap("late", {}));
  expect(await watched).toEqual({ events: [], ended: true });
  const { code, body } = await client.get(`${CONFIG_MAPS}?resourceVersion=999999`);
  expect([code, at(body, "details", "causes", 0, "reason")]).toEqual([504, "ResourceVersionTooLarge"]);
});

test("a lost label is DELETED, with the resourceVersion of the change", async () => {
  await start();
  const labelled = (app: string) => configMap("moved", {}, { labels: { app } });
  const { body } = await client.apply(`${CONFIG_MAPS}/moved`, labelled("x"));
  const from = String(at(body, "metadata", "resourceVersion"));
  const moved = await client.apply(`${CONFIG_MAPS}/moved`, labelled("y"));
  const path = `${CONFIG_MAPS}?watch=true&labelSelector=app%3Dx&resourceVersion=${from}`;
  const { events } = await client.watch(path, ({ length }) => length > 0);
  expect(told(events)).toEqual(["DELETED moved"]);
  expect(at(events, 0, "object", "metadata", "resourceVersion")).toBe(at(moved.body, "metadata", "resourceVersion"));
});

test("closed watches end cleanly; silenced ones stay open and say nothing more", async () => {
  await start();
  const closed = client.watch(`${CONFIG_MAPS}?watch=true`, () => false);
  await until("it is open", async () => (client.cluster.state().openWatches === 1 ? true : null));
  client.cluster.closeWatches();
  expect((await closed).ended).toBe(true);

  const silent = client.watch(`${CONFIG_MAPS}?${INITIAL}&timeoutSeconds=1`, () => false);
  await until("it is open", async () => (client.cluster.state().openWatches === 1 ? true : null));
  client.cluster.faults.set({ silentWatches: true });
  client.cluster.faults.clear();
  await client.apply(`${CONFIG_MAPS}/unheard`, configMap("unheard", {}));
  expect(told((await silent).events)).not.toContain("ADDED unheard");
  const { events } = await client.watch(`${CONFIG_MAPS}?${INITIAL}`, (all) => told(all).includes("BOOKMARK"));
  expect(told(events)).toContain("ADDED unheard");
});

test("a page of a list leads to the next; a change between them is 410", async () => {
  await start();
  for (const name of ["a", "b", "c"]) await client.apply(`${CONFIG_MAPS}/${name}`, configMap(name, {}));
  const first = await client.get(`${CONFIG_MAPS}?limit=2`);
  const next = String(at(first.body, "metadata", "continue"));
  const second = await client.get(`${CONFIG_MAPS}?limit=2&continue=${next}`);
  expect(at(second.body, "items", 0, "metadata", "name")).toBe("c");
  await client.apply(`${CONFIG_MAPS}/d`, configMap("d", {}));
  expect((await client.get(`${CONFIG_MAPS}?limit=2&continue=${next}`)).code).toBe(410);
});
