import type { Backups } from "./backups.ts";
import type { Hosts } from "./hub-host.ts";
import type { Repository } from "./repository.ts";
import type { SimSite } from "./site.ts";
import type { Version } from "./versions.ts";
import type { World } from "./world.ts";

/** All that a story has to do with. */
export interface Stage {
  world: World;
  hosts: Hosts;
  backups: Backups;
  repository: Repository;
  versions: Map<string, Version>;
  sites: SimSite[];
  addSite(): SimSite;
  without: ReadonlySet<string>;
  often: readonly string[];
  /** How often people asked something of the hub. */
  asked: number;
}

export const MINUTE = 60_000;
