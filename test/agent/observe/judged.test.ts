import { beforeEach, describe, expect, it } from "vitest";
import type { Kube, WatchOptions } from "../../../agent/apply/kube.ts";
import { Live } from "../../../agent/observe/live.ts";
import { judge, summarise } from "../../../agent/observe/observed.ts";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { compileHealthRules, type HealthRules } from "../../../shared/render/health-rules.ts";
import { rendered } from "../../shared/render/sample.ts";
import { FakeClock } from "../../support/clock.ts";
import { fingerprint } from "../../support/secrets.ts";
import { IS_OPEN, TILL, till } from "./custom-kind.ts";

let clock: FakeClock;
let watches: WatchOptions[];
let live: Live;
beforeEach(() => {
  clock = new FakeClock(0);
  watches = [];
  const kube = {
    watch: (_kind: unknown, options: WatchOptions) =>
      new Promise<void>((resolve) => {
        options.signal.addEventListener("abort", () => resolve());
        watches.push(options);
      }),
  } as Partial<Kube> as Kube;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  live = new Live({ kube, clock, random: () => 1, log, onChange: () => {}, fingerprint });
});

const rules = (cel: string) => compileHealthRules([{ ...TILL, cel }]);
const by = (health: HealthRules) => ({ health, overlooked: new Map() });
const bundle = rendered([till()]);

function live1(status: JsonObject | undefined, resourceVersion: string, bundleName = "pos", uid = "u-1"): KubeObject {
  const made = till();
  const labels = { "skerry.dev/bundle": bundleName };
  const metadata = { ...made.metadata, labels, uid, resourceVersion };
  return { ...made, metadata, ...(status === undefined ? {} : { status }) };
}

function tell(status: JsonObject | undefined, resourceVersion: string, bundleName?: string, uid?: string): void {
  watches.at(-1)?.onEvent({ type: "added", object: live1(status, resourceVersion, bundleName, uid) });
}

/** How the bundle is, in words; `now` as while it moves. */
function words(now: number | null = clock.monotonic()): string {
  const { verdict } = summarise(judge(bundle, live.view(), new Map(), now));
  return verdict.health === "healthy" ? "healthy" : `${verdict.health}: ${verdict.because}`;
}

function follow(): void {
  live.follow([TILL]);
  watches.at(-1)?.onEvent({ type: "synced", resourceVersion: "1" });
}

async function settle(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
  clock.advance(0);
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
}

const NAME = "example.com/v1 Till shop/till";

describe("a rule", () => {
  it("of the bundle whose label an object has is asked, and of no other", () => {
    live.judgeBy("pos", by(rules(IS_OPEN)));
    live.judgeBy("other", by(rules("false")));
    follow();
    tell({ phase: "Closed" }, "2");
    expect(words()).toBe(`progressing: ${NAME} does not meet its health rule \`${IS_OPEN}\``);
    tell({ phase: "Open" }, "3");
    expect(words()).toBe("healthy");
    tell({ phase: "Open" }, "4", "other");
    expect(words()).toContain("does not meet its health rule `false`");
  });

  it("that is there from the start costs no second list", async () => {
    live.judgeBy("pos", by(rules(IS_OPEN)));
    follow();
    live.judgeBy("pos", by(rules(IS_OPEN)));
    await settle();
    expect(watches).toHaveLength(1);
  });

  it("that comes, changes or goes has all of its kind asked for again; until then nothing of the bundle is healthy", async () => {
    follow();
    tell({ phase: "Closed" }, "2");
    expect(words()).toBe("healthy");
    for (const [cel, verdict] of [
      [IS_OPEN, `progressing: ${NAME} does not meet`],
      ["object.status.phase == 'Closed'", "healthy"],
      [null, "healthy"],
    ] as const) {
      const before = watches.length;
      live.judgeBy("pos", by(cel === null ? new Map() : rules(cel)));
      expect(words()).toBe(`progressing: ${NAME} is looked at again: its health rule changed`);
      await settle();
      expect([watches.length, watches.at(-1)?.resourceVersion]).toEqual([before + 1, undefined]);
      tell({ phase: "Closed" }, "2");
      watches.at(-1)?.onEvent({ type: "synced", resourceVersion: "9" });
      expect(words()).toContain(verdict);
    }
  });

  it("that changes leaves the objects of other bundles as they are", async () => {
    follow();
    tell({ phase: "Open" }, "2", "other");
    live.judgeBy("pos", by(rules(IS_OPEN)));
    expect(words()).toBe("healthy");
  });

  it("is asked anew even where the old watch says one thing more", async () => {
    follow();
    tell({ phase: "Closed" }, "2");
    live.judgeBy("pos", by(rules(IS_OPEN)));
    watches[0]?.onEvent({ type: "bookmark", resourceVersion: "70" });
    await settle();
    expect(watches.map(({ resourceVersion }) => resourceVersion)).toEqual([undefined, undefined]);
  });
});

describe("an object of a custom kind without a status", () => {
  it("has 30 s to get one, and is not healthy before", () => {
    follow();
    clock.advance(1_000);
    tell(undefined, "2");
    expect(words()).toBe(`progressing: ${NAME} has no status yet`);
    clock.advance(20_000);
    tell({}, "3");
    clock.advance(9_999);
    expect(words()).toBe(`progressing: ${NAME} has no status yet`);
    clock.advance(1);
    expect(words()).toBe("healthy");
  });

  it("is judged by its status as soon as there is one", () => {
    follow();
    tell(undefined, "2");
    tell({ conditions: [{ type: "Ready", status: "False" }] }, "3");
    expect(words()).toBe(`progressing: ${NAME} is not Ready`);
    tell({ conditions: [{ type: "Ready", status: "True" }] }, "4");
    expect(words()).toBe("healthy");
  });

  it("that was made again has them again", () => {
    follow();
    tell(undefined, "2");
    clock.advance(30_000);
    tell(undefined, "3", "pos", "u-2");
    expect(words()).toBe(`progressing: ${NAME} has no status yet`);
  });

  it("has them while its bundle moves: a committed one is not taken back by a restart", () => {
    follow();
    tell(undefined, "2");
    expect(words(null)).toBe("healthy");
  });

  it("waits for nothing where a rule says that there is nothing to wait for", () => {
    live.judgeBy("pos", by(rules("true")));
    follow();
    tell(undefined, "2");
    expect(words()).toBe("healthy");
  });

  it.each([
    ["v1", "ConfigMap"],
    ["apps/v1", "ControllerRevision"],
    ["rbac.authorization.k8s.io/v1", "Role"],
    ["networking.k8s.io/v1", "NetworkPolicy"],
    ["flowcontrol.apiserver.k8s.io/v1", "FlowSchema"],
  ])("is none of Kubernetes' own kinds: %s %s", (apiVersion, kind) => {
    live.feed({ ...live1(undefined, "2"), apiVersion, kind });
    expect([...live.view().objects.values()].map(({ graceEnds }) => graceEnds)).toEqual([undefined]);
  });

  it.each(["example.com/v1", "gateway.networking.k8s.io/v1", "traefik.io/v1alpha1"])("may be of %s", (apiVersion) => {
    live.feed({ ...live1(undefined, "2"), apiVersion });
    expect([...live.view().objects.values()].map(({ graceEnds }) => graceEnds)).toEqual([30_000]);
  });
});

describe("what a bundle overlooks of an object", () => {
  const overlooking = (path: string) => ({
    health: new Map(),
    overlooked: new Map([[NAME, { ignored: [["spec", path]], empty: [] }]]),
  });
  const seen = () => live.view().objects.get(NAME);

  it("that comes, changes or goes has its kind asked for again; until then nobody says that it has drifted", async () => {
    follow();
    tell({}, "2");
    for (const rules of [overlooking("size"), overlooking("other"), by(new Map())]) {
      const before = watches.length;
      live.judgeBy("pos", rules);
      expect(seen()?.stale).toBe(true);
      await settle();
      expect([watches.length, watches.at(-1)?.resourceVersion]).toEqual([before + 1, undefined]);
      tell({}, "2");
      watches.at(-1)?.onEvent({ type: "synced", resourceVersion: "9" });
      expect(seen()).toMatchObject({ resourceVersion: "2" });
      expect(seen()?.stale).toBeUndefined();
    }
  });

  it("that is there from the start, or the same in another version, costs no second list", async () => {
    live.judgeBy("pos", overlooking("size"));
    follow();
    tell({}, "2");
    live.judgeBy("pos", overlooking("size"));
    await settle();
    expect([watches.length, seen()?.stale]).toEqual([1, undefined]);
  });
});
