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
  private readonly onCame: () => void;
  private readonly underway = new Set<string>();
  private over = false;

  constructor(world: World, site: string, shelf: SimShelf, onCame: () => void) {
    this.world = world;
    this.site = site;
    this.shelf = shelf;
    this.onCame = onCame;
  }

  /** Brings a version to the disk, in its time. */
  begin(version: Version): void {
    const { underway, shelf, world, site } = this;
    const isVain = natureOf(version, site) === "unfetched" || shelf.isForged(version.digest);
    if (isVain || underway.has(version.digest)) return;
    underway.add(version.digest);
    world.queue.after(world.chance.delay(4_000), () => {
      if (this.over) return;
      underway.delete(version.digest);
      shelf.take(version, site);
      this.onCame();
    });
  }

  end(): void {
    this.over = true;
  }
}
