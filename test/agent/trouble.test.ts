import { expect, it } from "vitest";
import type { KubeObject } from "../../shared/live.ts";
import { type AttackedSite, attackedSite, passes, soon, until } from "../attacks/site.ts";
import type { FaultSettings } from "../lab/kube/faults.ts";
import { configMap, type SignedBundle, signedBundle } from "../support/fleet.ts";

/** A whole agent whose API server is in trouble: what it asks is counted, what it says is read, and what can go on goes on. */

const many = (count: number): KubeObject[] =>
  Array.from({ length: count }, (_, n) => configMap(`c-${n}`, { n: `${n}` }));
const health = { holdFor: "0", deadline: "10m" };
const version = (objects: readonly KubeObject[]): SignedBundle => signedBundle({ seq: 1, health }, objects);
const started = (site: AttackedSite) =>
  until(
    () => site.hub.reports.length,
    (count) => count > 0,
    "it says nothing",
  );
const isCommitted = (site: AttackedSite) =>
  until(
    () => site.item()?.state,
    (state) => state === "committed",
    "it is not committed",
    60_000,
  );
const saysWhy = (site: AttackedSite, why: RegExp) =>
  until(
    () => site.item()?.waitingOn ?? "",
    (words) => why.test(words),
    "the report does not say why",
  );

it.each<[string, Partial<FaultSettings>, RegExp]>([
  ["429 with Retry-After", { throttled: "all", retryAfterSeconds: 2 }, /the API server is busy/],
  ["503", { unavailable: "all" }, /the API server failed/],
  ["resets", { reset: "all" }, /no answer from the API server/],
])(
  "%s: few requests for many objects, the reason in the report, and all of it once the server is well",
  async (_, fault, why) => {
    const site = await attackedSite();
    await started(site);
    const bundle = version(many(60));
    site.cluster.faults.set(fault);
    const before = site.cluster.faults.met;
    site.owner.publish(bundle);
    await site.assign(bundle);
    await soon(site, saysWhy(site, why));
    const at = site.clock.monotonic();
    await passes(site, 5_000);
    const seconds = (site.clock.monotonic() - at) / 1000;
    // A burst of sixteen, then about one each half second at first; and a handful of watches, each with a pace of its own.
    expect(site.cluster.faults.met - before).toBeLessThan(60 + 6 * seconds);
    site.cluster.faults.clear();
    await soon(site, isCommitted(site));
  },
);

it("an answer that takes five seconds: it is heard of meanwhile, and comes through", async () => {
  const site = await attackedSite();
  await started(site);
  // As many as are sent at a time.
  const bundle = version(many(8));
  site.owner.publish(bundle);
  site.cluster.faults.set({ slowMs: 5_000 });
  await site.assign(bundle);
  await isCommitted(site);
});
