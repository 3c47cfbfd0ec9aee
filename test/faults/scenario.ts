import { join } from "node:path";
import { type Orders, type Point, readTally, type Tally } from "./mortal.ts";
import type { ProgramName, Victim, Victims } from "./victims.ts";

/** What came of playing a story with one kill in it, or with none. */
export interface Played {
  /** What should hold and does not; empty: nothing was lost. */
  lost: string[];
  /** False: the story ended before the program came to its point. */
  reached: boolean;
  /** Of the processes that ended by themselves. */
  tally: Tally;
}

export interface Scenario {
  program: ProgramName;
  /** Its name, where a program has more than one. */
  story?: string;
  /** Plays the whole story on things of its own. The program dies at `point`, is started again plainly, and has to make good. */
  play(victims: Victims, point: Point | null): Promise<Played>;
}

/** Runs one program for the length of a story: whenever it was killed, it is started again, without orders to die. */
export class Lives {
  readonly tally: Tally = {};
  reached = false;
  /** Set when it ended by itself, which no story has in it. */
  failure: string | null = null;
  private readonly start: (orders: Orders) => Victim;
  private readonly tallyFile: string;
  private kill: Point | null;
  private victim: Victim | null = null;
  private stopping = false;

  constructor(dir: string, point: Point | null, start: (orders: Orders) => Victim) {
    this.tallyFile = join(dir, "tally.json");
    this.kill = point;
    this.start = start;
  }

  begin(): void {
    const orders = { tallyFile: this.tallyFile, kill: this.kill };
    this.kill = null;
    this.victim = this.start(orders);
    void this.victim.ended.then((how) => {
      if (how === "SIGKILL") this.reached = true;
      if (this.stopping) return;
      if (how === "SIGKILL") this.begin();
      else this.failure = `ended by itself with ${how}`;
    });
  }

  /** Ends it in good order; false where it was killed while it ended. */
  async end(): Promise<boolean> {
    const { victim } = this;
    if (victim === null) return true;
    this.stopping = true;
    this.victim = null;
    const how = await victim.stop();
    this.stopping = false;
    if (how !== "0") return false;
    for (const [place, count] of Object.entries(readTally(this.tallyFile))) {
      this.tally[place] = (this.tally[place] ?? 0) + count;
    }
    return true;
  }

  /** As `end`; where it was killed while it ended, it is started once more and has to come to its end again. */
  async endOrAgain(): Promise<boolean> {
    if (await this.end()) return true;
    this.begin();
    return false;
  }
}

/** Waits until it holds. Throws with `what` where it did not in time, or where `failure` says that it never will. */
export async function untilHolds(
  what: string,
  lives: Pick<Lives, "failure">,
  holds: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (lives.failure !== null) throw new Error(`${what}: it ${lives.failure}`);
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
