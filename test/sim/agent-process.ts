import type { Holding } from "../../agent/holding.ts";
import type { Talk } from "../../agent/talk.ts";
import type { BundleAtSite } from "./bundle-at-site.ts";
import type { PreparerAtSite } from "./preparer-at-site.ts";
import type { Fetches } from "./shelf-at-site.ts";
import type { SiteLink } from "./site-link.ts";

/** What an agent has in memory, and loses with its process. */
export interface AgentProcess {
  boot: string;
  talk: Talk;
  link: SiteLink;
  bundles: Map<string, BundleAtSite>;
  fetches: Fetches;
  preparer: PreparerAtSite;
  holding: Holding;
  marksKnown: boolean;
  again: boolean;
  running: boolean;
  ended: boolean;
  cancelWake(): void;
}
