import { beforeEach, describe, expect, it } from "vitest";
import { type Kube, KubeError, type WatchOptions } from "../../../agent/apply/kube.ts";
import { Live } from "../../../agent/observe/live.ts";
import type { KubeObject } from "../../../shared/live.ts";
import { FakeClock } from "../../support/clock.ts";
import { configMap } from "../../support/fleet.ts";
import { fingerprint } from "../../support/secrets.ts";

const KIND = { apiVersion: "v1", kind: "ConfigMap" };

/** A watch as the server holds it: the test says what comes, and how it ends. */
interface Watch extends WatchOptions {
  end(): void;
  fail(error: Error): void;
}

let clock: FakeClock;
let watches: Watch[];
let live: Live;
beforeEach(() => {
  clock = new FakeClock(0);
  watches = [];
  const kube = {
    watch: (_kind: unknown, options: WatchOptions) =>
      new Promise<void>((resolve, reject) => {
        options.signal.addEventListener("abort", () => resolve());
        watches.push({ ...options, end: resolve, fail: reject });
      }),
  } as Partial<Kube> as Kube;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  live = new Live({ kube, clock, random: () => 1, log, onChange: () => {}, fingerprint });
  live.follow([KIND, KIND]);
});

const watch = () => watches.at(-1) ?? fail();
const names = () =>
  [...live.view().objects.values()].map(({ ref, resourceVersion }) => `${ref.name}@${resourceVersion}`);
const unseen = () => live.view().unseen.get("v1 ConfigMap");
const synced = (resourceVersion: string) => watch().onEvent({ type: "synced", resourceVersion });
const event = (type: "added" | "modified" | "deleted", name: string, version: string, uid = `uid-${name}`) =>
  watch().onEvent({ type, object: object(name, version, uid) });

function object(name: string, resourceVersion: string, uid = `uid-${name}`): KubeObject {
  const plain = configMap(name);
  return { ...plain, metadata: { ...plain.metadata, uid, resourceVersion } };
}

function fail(): never {
  throw new Error("nothing is watched");
}

/** Lets what is waiting run, and time pass. */
async function pass(ms: number): Promise<void> {
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
  clock.advance(ms);
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
}

describe("the watched snapshot", () => {
  it("is one watch for a kind, and not seen before its first list is whole", () => {
    expect(watches).toHaveLength(1);
    event("added", "a", "1");
    expect(unseen()).toBe("not listed yet");
    synced("1");
    expect([unseen(), names()]).toEqual([undefined, ["a@1"]]);
  });

  it("takes no older state of an object than it has, whichever way it came", () => {
    synced("1");
    live.feed(object("a", "10"));
    event("modified", "a", "9");
    expect(names()).toEqual(["a@10"]);
    event("modified", "a", "11");
    expect(names()).toEqual(["a@11"]);
  });

  it("an answer that was on its way does not bring back what is deleted", () => {
    synced("1");
    event("added", "a", "5");
    event("deleted", "a", "8");
    live.feed(object("a", "7"));
    expect(names()).toEqual([]);
    live.feed(object("a", "9", "another"));
    expect(names()).toEqual(["a@9"]);
  });

  it("the end of a predecessor does not take its successor away", () => {
    synced("1");
    live.feed(object("a", "9", "new"));
    event("deleted", "a", "8", "old");
    expect(names()).toEqual(["a@9"]);
  });

  it("what a delete was answered with counts at once, for that very object", () => {
    synced("1");
    event("added", "a", "5");
    live.feedGone({ ...KIND, namespace: "shop", name: "a" }, "another");
    expect(names()).toEqual(["a@5"]);
    live.feedGone({ ...KIND, namespace: "shop", name: "a" }, "uid-a");
    expect(names()).toEqual([]);
  });
});

describe("a watch that ends", () => {
  it("cleanly goes on where it was", async () => {
    synced("1");
    watch().onEvent({ type: "bookmark", resourceVersion: "70" });
    watch().end();
    await pass(0);
    expect(watches.map((each) => each.resourceVersion)).toEqual([undefined, "70"]);
    expect(unseen()).toBeUndefined();
  });

  it("by a fault counts as seen for a while, then no more, until it is back", async () => {
    event("added", "a", "1");
    synced("1");
    watch().fail(new KubeError("unreachable", "cut", { status: 0, reason: "" }));
    await pass(10_000);
    expect(unseen()).toBeUndefined();
    await pass(1);
    expect([watches.length, watch().resourceVersion]).toEqual([2, "1"]);
    expect(unseen()).toBe("kube: cut");
    watch().onEvent({ type: "bookmark", resourceVersion: "2" });
    expect([unseen(), names()]).toEqual([undefined, ["a@1"]]);
  });

  it("because its past is forgotten lists anew, and drops what is gone", async () => {
    event("added", "a", "1");
    event("added", "b", "1");
    synced("1");
    watch().fail(new KubeError("expired", "too old", { status: 410, reason: "Expired" }));
    await pass(1_000);
    expect([watches.length, watch().resourceVersion]).toEqual([2, undefined]);
    event("added", "b", "3");
    expect(names()).toEqual(["a@1", "b@3"]);
    synced("4");
    expect(names()).toEqual(["b@3"]);
  });

  it("is ended where it is silent for 150 s, and listed anew", async () => {
    synced("1");
    await pass(149_999);
    watch().onEvent({ type: "bookmark", resourceVersion: "2" });
    await pass(149_999);
    expect(watches).toHaveLength(1);
    await pass(1);
    await pass(1_000);
    expect([watches.length, watch().resourceVersion]).toEqual([2, undefined]);
  });

  it("by our own will stays ended", async () => {
    synced("1");
    live.close();
    await pass(600_000);
    expect(watches).toHaveLength(1);
  });
});
