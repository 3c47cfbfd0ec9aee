import { describe, expect, it, onTestFinished } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import type { KubeObject } from "../../../shared/live.ts";
import type { Journal } from "../../../shared/ports.ts";
import { IMAGE } from "../../shared/render/sample.ts";
import { configMap } from "../../support/fleet.ts";
import { deployment, labSite } from "./lab-site.ts";
import { killedOnItsWay, mortal } from "./mortal.ts";

const JOB = { apiVersion: "batch/v1", kind: "Job" };

/** A migration, which the lab's kubelet lets succeed, fail, or go on for ever. */
function migration(fate: "ready" | "crash" | "stuck", name = "migrate"): KubeObject {
  const spec = { restartPolicy: "Never", containers: [{ name: "till", image: IMAGE }] };
  const template = { metadata: { labels: { "skerry.dev/test": fate } }, spec };
  const metadata = { name, namespace: "shop" };
  return { ...JOB, metadata, spec: { backoffLimit: 0, ttlSecondsAfterFinished: 0, template } };
}

const FIRST: Partial<Bundle> = { phases: [{ name: "migrate", objects: { kind: "Job" } }] };
const [a, b] = [configMap("one", { text: "a" }), configMap("one", { text: "b" })];

/** A site that has committed its first version. */
async function site(journal?: Journal) {
  const made = await labSite(journal);
  /** One for each time that a migration ran. */
  const uids = new Set<string>();
  const ends = new AbortController();
  onTestFinished(() => ends.abort());
  void made.kube
    .watch(JOB, {
      signal: ends.signal,
      onEvent: (event) => {
        if ("object" in event) uids.add(String(event.object.metadata["uid"]));
      },
    })
    .catch(() => {});
  made.assign(1, [a]);
  await made.until("committed", () => made.state() === "committed 1.0.0");
  return {
    ...made,
    ran: () => uids.size,
    jobs: () => made.names(JOB.kind, JOB.apiVersion),
    removeJob: async () => {
      const ref = { ...JOB, namespace: "shop", name: "migrate" };
      const uid = String((await made.kube.get(ref))?.metadata["uid"]);
      await made.kube.remove(ref, { uid, propagation: "Background" });
    },
    begun: () => made.until("begun", () => (made.hold()?.jobs ?? []).some(({ uid }) => uid !== null)),
    rests: (state: string) =>
      made.until(state, async () => (await made.run())?.drifted === 0 && made.state() === state),
    told: (kind: string) => made.cache.numberEvents(200).filter((event) => event.kind === kind),
  };
}

describe("a Job of a bundle", () => {
  it("runs before what comes after it, once, without its TTL; it is deleted when that it is done is on record", async () => {
    const { assign, rests, hold, jobs, data, ran, restart, remove, until, names, run, events } = await site();
    assign(2, [migration("ready"), b], FIRST);
    await rests("committed 1.1.0");
    expect([await jobs(), await data("one"), ran()]).toEqual([[], { text: "b" }, 1]);
    expect(hold()?.jobs).toMatchObject([{ version: "1.1.0", uid: expect.any(String), result: "complete" }]);
    // Neither a start nor healing is a move.
    restart();
    await until("seen again", async () => (await run())?.summary.healthy === 2);
    await remove("one");
    await until("healed", async () => (await names()).length === 1);
    expect([await jobs(), ran(), events().filter((event) => event.includes("Job"))]).toEqual([[], 1, []]);
  });

  it("runs again with the next version, and not on the way back", async () => {
    const { assign, rests, ran } = await site();
    assign(2, [migration("ready"), b], FIRST);
    await rests("committed 1.1.0");
    assign(3, [migration("ready"), a], FIRST);
    await rests("committed 1.2.0");
    expect(ran()).toBe(2);
    assign(2, [migration("ready"), b], FIRST, { back: true });
    await rests("committed 1.1.0");
    expect(ran()).toBe(2);
  });

  it("that fails is the end of the move; the site returns, and says that it ran", async () => {
    const { assign, rests, jobs, data, told, hold, ran } = await site();
    assign(2, [migration("crash"), b], FIRST);
    await rests("reverted 1.0.0");
    expect([await jobs(), await data("one"), ran()]).toEqual([[], { text: "a" }, 1]);
    const words = "phase migrate: batch/v1 Job shop/migrate has failed; ran before: shop/migrate of 1.1.0: failed";
    expect(told("reverting")).toMatchObject([{ code: "unhealthy", words }]);
    expect(hold()?.jobs).toMatchObject([{ version: "1.1.0", result: "failed" }]);
  });

  it("that is done is named where the version is given up later, and runs again where that is tried again", async () => {
    const { assign, rests, until, state, skip, told, ran } = await site();
    assign(2, [migration("ready"), deployment("till", "stuck")], FIRST);
    await until("verifying", () => state() === "verifying 1.1.0");
    skip(60_000);
    await rests("reverted 1.0.0");
    expect(told("reverting")[0]?.words).toContain("; ran before: shop/migrate of 1.1.0: complete");
    assign(2, [migration("ready"), deployment("till", "stuck")], FIRST, { retry: true, run: "pos-2" });
    await until("verifying", () => state() === "verifying 1.1.0");
    expect(ran()).toBe(2);
  });

  it("that runs when its version is given up is stopped before the old one is back", async () => {
    const { assign, rests, skip, begun, jobs } = await site();
    assign(2, [migration("stuck"), b], FIRST);
    await begun();
    skip(60_000);
    await rests("reverted 1.0.0");
    expect(await jobs()).toEqual([]);
  });

  it("that is done while no agent runs is found done", async () => {
    const { assign, rests, begun, restart, kube, until, ran, jobs } = await site();
    assign(2, [migration("ready"), b], FIRST);
    await begun();
    await until("done", async () => {
      const job = await kube.get({ ...JOB, namespace: "shop", name: "migrate" });
      return JSON.stringify(job?.["status"] ?? "Complete").includes("Complete");
    });
    restart();
    await rests("committed 1.1.0");
    expect([ran(), await jobs()]).toEqual([1, []]);
  });

  it("that is gone before anybody saw it end is a question: the site is stuck, names it, and goes on when it is told to try again", async () => {
    const { assign, begun, until, state, removeJob, restart, run, told, ran, data } = await site();
    assign(2, [migration("stuck"), b], FIRST);
    await begun();
    await removeJob();
    await until("stuck", () => state() === "stuck 1.1.0");
    const words =
      "batch/v1 Job shop/migrate was begun and is gone, and nobody saw it end: whether it did its work is not known";
    expect((await run())?.waitingOn).toBe(words);
    expect(told("failed")).toMatchObject([{ code: "not-found", words: expect.stringContaining(words.slice(0, 100)) }]);
    restart();
    await until("seen", async () => (await run())?.waitingOn === words);
    expect([state(), await data("one"), ran()]).toEqual(["stuck 1.1.0", { text: "a" }, 1]);
    assign(2, [migration("stuck"), b], FIRST, { retry: true, run: "pos-2" });
    await until("begun again", () => ran() === 2);
    expect(state()).toBe("applying 1.1.0");
  });

  it("killed at any point, it runs once, and all comes to where it would have come", async () => {
    const hit = new Set<string>();
    for (let point = 0, done = false; !done; point += 1) {
      const life = mortal();
      const made = await site(life.journal);
      const { jobs, data, ran } = made;
      made.assign(2, [migration("ready"), b], FIRST);
      const diedAt = await killedOnItsWay(made, life, point, "committed 1.1.0");
      done = diedAt === "";
      hit.add(diedAt);
      await made.rests("committed 1.1.0");
      expect([await jobs(), await data("one"), ran()], diedAt).toEqual([[], { text: "b" }, 1]);
      expect(made.cache.inventory("pos").map(({ object, state }) => [object.name, state])).toEqual([
        ["one", "applied"],
      ]);
      expect(made.hold()?.jobs, diedAt).toMatchObject([{ result: "complete" }]);
    }
    const effects = ["hold.begin", "inventory.intend", "kube.apply", "kube.delete", "inventory.settle", "hold.commit"];
    const places = ["before", "between", "after"];
    expect([...hit]).toEqual(
      expect.arrayContaining(effects.flatMap((effect) => places.map((place) => `${place} ${effect}`))),
    );
  });
});
