import type { AssignmentSet } from "../../shared/assignment.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import { natureOf, REFUSED_WITH, type Version } from "./versions.ts";
import type { World } from "./world.ts";

/** What lies on a site's disk of the bundles, by digest, and what was refused when it came. */
export class SimShelf {
  private readonly kept = new Map<string, Version>();
  private readonly forged = new Set<string>();

  stored(digest: string): Version | null {
    return this.kept.get(digest) ?? null;
  }

  isForged(digest: string): boolean {
    return this.forged.has(digest);
  }

  take(version: Version, site: string): void {
    if (natureOf(version, site) === "forged") this.forged.add(version.digest);
    else this.kept.set(version.digest, version);
  }

  /** Of what is assigned. */
  refused(set: AssignmentSet | null): { bundle: string; digest: string; code: ErrorCode }[] {
    const assigned = set?.items.filter(({ digest }) => this.forged.has(digest)) ?? [];
    return assigned.map(({ bundle, digest }) => ({ bundle, digest, code: REFUSED_WITH }));
  }
}

/** What one agent process has on its way to the disk. */
export class Fetches {
  private readonly world: World;
  private readonly site: string;
  private readonly shelf: SimShelf;
  private readonly sources: { isCutOff(): boolean; onCame(): void };
  private readonly underway = new Set<string>();
  private over = false;

  constructor(world: World, site: string, shelf: SimShelf, sources: Fetches["sources"]) {
    this.world = world;
    this.site = site;
    this.shelf = shelf;
    this.sources = sources;
  }

  /** Brings a version to the disk, in its time. */
  begin(version: Version): void {
    const { underway, shelf, world, site, sources } = this;
    const isVain = natureOf(version, site) === "unfetched" || shelf.isForged(version.digest);
    if (isVain || sources.isCutOff() || underway.has(version.digest)) return;
    underway.add(version.digest);
    world.queue.after(world.chance.delay(4_000), () => {
      if (this.over) return;
      underway.delete(version.digest);
      if (sources.isCutOff()) return;
      shelf.take(version, site);
      sources.onCame();
    });
  }

  end(): void {
    this.over = true;
  }
}
