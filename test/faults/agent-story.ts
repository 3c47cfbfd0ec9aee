import { type SoloOptions, type SoloSite, soloSite } from "../bench/solo-site.ts";
import type { Cluster } from "../lab/demo/cluster.ts";
import { labClusters } from "../lab/demo/clusters.ts";
import { Undo } from "../lab/demo/undo.ts";
import type { Point } from "./mortal.ts";
import { Lives, type Played, type Scenario } from "./scenario.ts";
import type { Victims } from "./victims.ts";

/** One site, its cluster, and the agent of this part of the story. */
export interface AgentStage {
  cluster: Cluster;
  site: SoloSite;
  lives: Lives;
}

/** What happens to a site whose agent is killed on the way. */
export interface AgentStory<T> {
  name: string;
  site?: SoloOptions;
  /** What happened until then, to an agent that nobody kills; what it returns the rest may need. */
  before(stage: AgentStage): Promise<T>;
  /** Returns what should hold at the end and does not. */
  now(stage: AgentStage, before: T): Promise<string[]>;
}

/** Nobody kills, and nothing is counted. */
const UNHARMED: readonly Point[] = [];

export function agentStory<T>({ name, site: options, before, now }: AgentStory<T>): Scenario {
  return {
    program: "agent",
    story: name,
    play: async (victims, kills) => {
      const undo = new Undo();
      const [cluster] = (await labClusters(1, undo)) as [Cluster];
      // Nothing comes by itself: what is new is assigned, and sought for that.
      const site = await soloSite(cluster, { poll: "1h", fromFolder: true, ...options });
      const stage = (lives: Lives): AgentStage => ({ cluster, site, lives });
      const early = livesOf(victims, site, UNHARMED, "here");
      const lives = livesOf(victims, site, kills, "apart");
      try {
        const known = await before(stage(early));
        await early.end();
        const lost = await now(stage(lives), known);
        return { lost, killed: lives.killed, tally: lives.tally };
      } catch (error) {
        return { lost: [`${(error as Error).message}`], killed: lives.killed, tally: lives.tally } satisfies Played;
      } finally {
        await early.end();
        await lives.end();
        await site.stop();
        await undo.all();
      }
    },
  };
}

function livesOf(victims: Victims, site: SoloSite, kills: readonly Point[], where: "here" | "apart"): Lives {
  const resume = () => victims.resume("agent", site.config, site.agentLog);
  const start: ConstructorParameters<typeof Lives>[2] = (orders) =>
    where === "here" ? resume() : victims.start("agent", [site.config], orders, site.agentLog);
  return new Lives(site.dir, kills, start, resume);
}
