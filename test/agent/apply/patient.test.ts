import { beforeEach, describe, expect, it } from "vitest";
import { type Kube, type KubeClass, KubeError } from "../../../agent/apply/kube.ts";
import { patient } from "../../../agent/apply/patient.ts";
import type { KubeObject } from "../../../shared/live.ts";
import { FakeClock } from "../../support/clock.ts";
import { configMap } from "../../support/fleet.ts";

const APPLY = { manager: "skerry", force: true, dryRun: false };

let clock: FakeClock;
let asked: string[];
let answer: (object: KubeObject) => KubeError | null;
let kube: Kube;
beforeEach(() => {
  clock = new FakeClock(0);
  asked = [];
  const server = {
    apply: async (object: KubeObject) => {
      asked.push(object.metadata.name);
      await Promise.resolve();
      const error = answer(object);
      if (error !== null) throw error;
      return { object, created: false, warnings: [] };
    },
  } as Partial<Kube> as Kube;
  kube = patient(server, { clock, random: () => 1 });
});

const refusal = (kubeClass: KubeClass, status: number, retryAfter?: number) => () =>
  new KubeError(kubeClass, "the words", { status, reason: "r", retryAfter });
const apply = (name: string) =>
  kube.apply(configMap(name), APPLY).then(
    () => "applied",
    (error: KubeError) => `${error.kubeClass} ${error.message}`,
  );

/** As the executor does: all of them, eight at a time. */
async function pass(names: readonly string[]): Promise<string[]> {
  const queue = [...names];
  const results: string[] = [];
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) results.push(await apply(name));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return results;
}

/** Far more than are asked for at a time. */
const BUNDLE = Array.from({ length: 50 }, (_, n) => `o${n}`);

describe("an API server in trouble", () => {
  it.each([
    ["throttled", 429],
    ["server", 503],
    ["unreachable", 0],
  ] as const)(
    "%s is asked less and less, whatever there is to apply, and each object is told why",
    async (kubeClass, status) => {
      answer = refusal(kubeClass, status);
      for (let second = 0; second < 600; second += 1) {
        const results = await pass(BUNDLE);
        expect(new Set(results)).toEqual(new Set([`${kubeClass} the words`]));
        clock.advance(1_000);
      }
      // A burst of what is under way at once, then one at 1, 2, 4, 8, 16 and every 30 s.
      expect(asked.length).toBeLessThan(16 + 5 + 20);
      expect(asked.length).toBeGreaterThan(20);
    },
  );

  it("is asked for all of it again as soon as one request is answered", async () => {
    answer = refusal("server", 503);
    await pass(BUNDLE);
    clock.advance(1_000);
    answer = () => null;
    expect(await apply("first")).toBe("applied");
    expect(new Set(await pass(BUNDLE))).toEqual(new Set(["applied"]));
  });

  it("has the time that it asked for", async () => {
    answer = refusal("throttled", 429, 20);
    await pass(BUNDLE);
    const burst = asked.length;
    clock.advance(19_999);
    await pass(BUNDLE);
    expect(asked).toHaveLength(burst);
    clock.advance(1);
    await pass(BUNDLE);
    expect(asked).toHaveLength(burst + 1);
  });

  it("one request at a time goes to see", async () => {
    answer = refusal("unreachable", 0);
    await pass(BUNDLE);
    const burst = asked.length;
    clock.advance(1_000);
    await Promise.all(["a", "b", "c"].map(apply));
    expect(asked.slice(burst)).toEqual(["a"]);
  });
});

describe("what is one object's trouble", () => {
  it("stops no other: a webhook that is down, a manifest that is refused", async () => {
    for (const [kubeClass, status] of [
      ["wait", 500],
      ["manifest", 500],
      ["forbidden", 403],
    ] as const) {
      asked = [];
      answer = refusal(kubeClass, status);
      await pass(BUNDLE);
      expect(asked).toHaveLength(BUNDLE.length);
    }
  });

  it("stops no other while others are answered, as where one group's own server is down", async () => {
    answer = (object) => (Number(object.metadata.name.slice(1)) % 5 === 0 ? null : refusal("server", 503)());
    const results = await pass(BUNDLE);
    expect(results.filter((each) => each === "applied").length).toBe(BUNDLE.length / 5);
  });
});
