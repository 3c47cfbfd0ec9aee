import type { Cache } from "../../../agent/cache/cache.ts";

/** All that can be seen of a cache, without changing it. */
export function observe(cache: Cache) {
  const versions = cache.versions();
  const stop = new Error("only looking");
  let events: unknown;
  try {
    cache.transaction("look", () => {
      events = cache.numberEvents(1_000);
      throw stop;
    });
  } catch (error) {
    if (error !== stop) throw error;
  }
  return {
    roots: cache.roots(),
    record: cache.record(),
    records: [0, 1, 2, 3].map((number) => cache.recordAt(number)),
    head: cache.head(),
    seen: ["git", "stick"].map((source) => cache.seen(source)),
    versions,
    manifests: versions.map(({ digest }) => cache.manifest(digest)),
    blobs: BLOBS.map((name) => cache.blob(name)),
    has: BLOBS.map((name) => cache.hasBlob(name)),
    refusals: cache.refusals(),
    holds: cache.holds(),
    adoptions: cache.adoptions(),
    held: cache.held(),
    prepared: cache.prepared(),
    marks: cache.marks(),
    floorTime: cache.floorTime(),
    inventories: ["pos", "base", "old"].map((bundle) => cache.inventory(bundle)),
    assignment: cache.assignment(),
    counters: cache.counters(),
    waiting: cache.waitingEvents(),
    acked: cache.acked(),
    heardAt: cache.heardAt(),
    events,
  };
}

const BLOBS = ["f0", "f1", "f2", "f3", "f9"];
