import { beforeEach, describe, expect, it } from "vitest";
import { type Kube, KubeError, type WatchOptions } from "../../../agent/apply/kube.ts";
import { Live } from "../../../agent/observe/live.ts";
import { type KubeObject, unseenBecause } from "../../../shared/live.ts";
import { FakeClock } from "../../support/clock.ts";
import { configMap } from "../../support/fleet.ts";
import { fingerprint } from "../../support/secrets.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const KIND = { apiVersion: "v1", kind: "ConfigMap" };

/** A watch as the server holds it: the test says what comes, and how it ends. */
interface Watch extends WatchOptions {
  end(): void;
  fail(error: Error): void;
}

let clock: FakeClock;
let watches: Watch[];
let live: Live;
let made: (changes?: Partial<ConstructorParameters<typeof Live>[0]>) => Live;
let onChange: () => void;
let refuses: (options: WatchOptions) => boolean;
beforeEach(() => {
  clock = new FakeClock(0);
  watches = [];
  refuses = () => false;
  onChange = () => {};
  const kube = {
    watch: (_kind: unknown, options: WatchOptions) =>
      new Promise<void>((resolve, reject) => {
        options.signal.addEventListener("abort", () => resolve());
        watches.push({ ...options, end: resolve, fail: reject });
        if (refuses(options)) reject(new KubeError("forbidden", "RBAC does not allow it", { status: 403, reason: "" }));
      }),
  } as Partial<Kube> as Kube;
  made = (changes) =>
    new Live({ kube, clock, random: () => 1, log, onChange: () => onChange(), fingerprint, ...changes });
  live = made();
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

  it("is seen whole or not at all: nobody looks between the end of the list and the objects in it", () => {
    const looks: [string | undefined, string[]][] = [];
    onChange = () => looks.push([unseen(), names()]);
    event("added", "a", "1");
    synced("1");
    expect(looks.filter(([because]) => because === undefined).every(([, seen]) => seen.length === 1)).toBe(true);
    expect(looks.at(-1)).toEqual([undefined, ["a@1"]]);
  });

  it("takes no older state of an object than it has, whichever way it came", () => {
    synced("1");
    live.feed(object("a", "10"));
    event("modified", "a", "9");
    expect(names()).toEqual(["a@10"]);
    event("modified", "a", "11");
    expect(names()).toEqual(["a@11"]);
  });

  it("hears nothing new in the event of what it was answered with, and looks at it once", () => {
    const looked: string[] = [];
    const counting: typeof fingerprint = (object, overlooked) => {
      looked.push(`${object.metadata.name}@${String(object.metadata["resourceVersion"])}`);
      return fingerprint(object, overlooked);
    };
    live = made({ fingerprint: counting });
    live.follow([KIND]);
    synced("1");
    let changes = 0;
    onChange = () => {
      changes += 1;
    };
    live.feed(object("a", "10"), { fields: "f", live: "l" });
    event("modified", "a", "10");
    expect([looked, changes, [...live.view().objects.values()].map(({ fields }) => fields)]).toEqual([[], 0, ["f"]]);
    event("modified", "a", "11");
    event("modified", "a", "11", "another");
    expect([looked, changes]).toEqual([["a@11", "a@11"], 2]);
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
    await pass(10_000);
    watch().end();
    await pass(0);
    expect(watches.map((each) => each.resourceVersion)).toEqual([undefined, "70"]);
    expect(unseen()).toBeUndefined();
  });

  it.each([
    ["cleanly", () => watch().end()],
    ["by a fault", () => watch().fail(new KubeError("unreachable", "cut", { status: 0, reason: "" }))],
  ])("%s as soon as it was opened, each time, is opened less and less often", async (_, end) => {
    for (let second = 0; second < 600; second += 1) {
      synced("1");
      end();
      await pass(1_000);
    }
    // Half a minute apart in the end.
    expect(watches.length).toBeGreaterThan(20);
    expect(watches.length).toBeLessThan(30);
  });

  it("because the server is busy comes back no sooner than it was told", async () => {
    synced("1");
    await pass(10_000);
    watch().fail(new KubeError("throttled", "busy", { status: 429, reason: "", retryAfter: 20 }));
    await pass(19_999);
    expect(watches).toHaveLength(1);
    await pass(1_001);
    expect(watches).toHaveLength(2);
  });

  it("is in sight again as soon as the next one is opened: nothing need happen", async () => {
    synced("1");
    await pass(60_000);
    watch().fail(new KubeError("unreachable", "cut", { status: 0, reason: "" }));
    await pass(5_000);
    watch().onOpen?.();
    await pass(60_000);
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
    // As it was until the list is whole.
    expect(names()).toEqual(["a@1", "b@1"]);
    live.feed(object("c", "5"));
    synced("4");
    // What we were answered after the list was made is not gone.
    expect(names().toSorted()).toEqual(["b@3", "c@5"]);
  });

  it.each([
    ["80", "when it is still behind"],
    ["800", "when it is past where it was"],
  ])("because the cluster was put back to an earlier self takes that as it is (%s: %s)", async (now) => {
    event("added", "a", "90");
    event("added", "b", "91");
    synced("100");
    event("deleted", "c", "101");
    await pass(150_000);
    await pass(1_000);
    expect([watches.length, watch().resourceVersion]).toEqual([2, undefined]);
    event("added", "a", "70");
    event("added", "c", "71");
    synced(now);
    expect(names().toSorted()).toEqual(["a@70", "c@71"]);
    event("modified", "a", "810");
    expect(names().toSorted()).toEqual(["a@810", "c@71"]);
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

describe("where RBAC allows no watch of all namespaces", () => {
  const told = () => watches.map(({ namespace }) => namespace ?? "all");
  const of = (namespace: string) => watches.findLast((each) => each.namespace === namespace) ?? fail();

  beforeEach(async () => {
    live.close();
    live = made();
    watches = [];
    refuses = ({ namespace }) => namespace === undefined;
  });

  it("there is one for each namespace that is of interest, also for those that come later", async () => {
    live.follow(["shop", "till", "shop"].map((namespace) => ({ ...KIND, namespace })));
    for (let second = 0; second < 5; second += 1) await pass(1_000);
    expect(told()).toEqual(["all", "all", "all", "shop", "till"]);
    of("shop").onEvent({ type: "added", object: object("a", "1") });
    of("shop").onEvent({ type: "synced", resourceVersion: "1" });
    expect(names()).toEqual(["a@1"]);
    const [shop, till] = ["shop", "till"].map((namespace) => ({ ...KIND, namespace, name: "x" }));
    if (shop === undefined || till === undefined) return fail();
    expect([unseenBecause(live.view(), shop), unseenBecause(live.view(), till)]).toEqual([undefined, "not listed yet"]);
    of("till").onEvent({ type: "synced", resourceVersion: "1" });
    expect([unseenBecause(live.view(), till), names()]).toEqual([undefined, ["a@1"]]);
    live.follow([{ ...KIND, namespace: "back-office" }]);
    expect(told().at(-1)).toBe("back-office");
  });

  it("a kind without namespaces is asked for again, ever more rarely, and what is wrong is said", async () => {
    live.follow([{ apiVersion: "v1", kind: "Namespace" }]);
    await pass(1_000);
    for (let minute = 0; minute < 20; minute += 1) await pass(30_000);
    expect(told().every((each) => each === "all")).toBe(true);
    expect(told().length).toBeLessThan(30);
    expect(live.view().unseen.get("v1 Namespace")).toBe("kube: RBAC does not allow it");
  });

  it("a refusal that passes, as of a server that just started, changes nothing", async () => {
    let times = 0;
    refuses = ({ namespace }) => namespace === undefined && (times += 1) <= 2;
    live.follow([{ ...KIND, namespace: "shop" }]);
    for (let second = 0; second < 5; second += 1) await pass(1_000);
    expect(told()).toEqual(["all", "all", "all"]);
  });
});
