import { expect, it } from "vitest";
import type { Kube } from "../../agent/apply/kube.ts";
import type { Hold } from "../../agent/cache/cache.ts";
import { newTally } from "../../agent/local/tally.ts";
import { Loop, type LoopWorld } from "../../agent/loop.ts";
import { Live } from "../../agent/observe/live.ts";
import { silent } from "../../shared/ports.ts";
import { memoryCache } from "../support/cache.ts";
import { FakeClock } from "../support/clock.ts";
import { NOW, trustedRoot } from "../support/fleet.ts";
import { fingerprint, unsealing } from "../support/secrets.ts";
import { trustUnder } from "./talk/talking-site.ts";

const LOG = { debug() {}, info() {}, warn() {}, error() {} };

/** How often a cycle over so many bundles, which run and change nothing, reads what is stored. */
async function readingsOf(bundles: number): Promise<number> {
  const cache = memoryCache({ journal: silent });
  const state = { digest: "0".repeat(64), version: "1.0.0", pair: [1, 1], floor: [1, 1], record: 1, values: "" };
  for (let each = 0; each < bundles; each += 1) {
    const running = { ...state, given: {} } as Hold["running"];
    const rest = { state: "committed" as const, since: "2026-11-01T00:00:00Z", previous: null, failed: [] };
    cache.keepHold({ bundle: `pos-${each}`, running, committed: running, ...rest });
  }
  let readings = 0;
  const counted = new Proxy(cache, {
    get: (target, key) => {
      if (key === "holds" || key === "versions") readings += 1;
      const found: unknown = Reflect.get(target, key);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
  const clock = new FakeClock(NOW);
  const kube = {} as Kube;
  const tally = newTally();
  const world = { site: "s-1", unseal: unsealing, fingerprint, cache: counted, kube, clock, tally, log: LOG };
  const loop = new Loop({
    ...world,
    live: new Live({ kube, clock, random: () => 0, log: LOG, onChange: () => {}, fingerprint }),
    random: () => 0,
    journal: silent,
    freeBytes: () => null,
    talk: { current: () => null, speak: async () => {}, wakeIn: () => null } as Partial<LoopWorld["talk"]>,
    keeper: { marksKnown: () => true, tend: () => {} } as Partial<LoopWorld["keeper"]>,
    holding: { look: () => null, words: () => null },
    boot: "0".repeat(16),
    adopt: false,
    time: () => ({ now: NOW, synced: true }),
    trust: () => trustUnder(trustedRoot()),
    onMissing: () => {},
  } as unknown as LoopWorld);
  loop.wake();
  await expect.poll(() => tally.cycles).toBeGreaterThan(0);
  await loop.stop();
  return readings / tally.cycles;
}

it("a cycle costs each bundle the same, however many others the site has", async () => {
  const [two, ten] = [await readingsOf(2), await readingsOf(10)];
  // What is read once for the site counts in both.
  expect(ten).toBeLessThan(5 * two);
});
