import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Orders, type Point, readTally, type Tally } from "./mortal.ts";
import type { ProgramName, Victim, Victims } from "./victims.ts";

const STOP_WITHIN_MS = 30_000;

/** What came of playing a story with one kill in it, or with none. */
export interface Played {
  /** What should hold and does not; empty: nothing was lost. */
  lost: string[];
  /** How many of the kills came; less than were asked for where the story ended before. */
  killed: number;
  /** Of the processes that ended by themselves. */
  tally: Tally;
}

export interface Scenario {
  program: ProgramName;
  /** Its name. */
  story: string;
  /**
   * Plays the whole story on things of its own. The program dies at the first of `kills`, is started again, dies at the next one, and in the
   * end is started again plainly, and has to make good.
   */
  play(victims: Victims, kills: readonly Point[]): Promise<Played>;
}

/** Runs one program for the length of a story: whenever it was killed, it is started again. */
export class Lives {
  readonly tally: Tally = {};
  killed = 0;
  /** Set when it ended by itself, which no story has in it. */
  failure: string | null = null;
  private readonly start: (orders: Orders) => Victim;
  private readonly resume: () => Victim;
  private readonly tallyFile: string;
  private readonly kills: Point[];
  private victim: Victim | null = null;
  private stopping = false;

  /** `start`: as a process, which may be killed; `resume`: once nobody kills it any more. */
  constructor(dir: string, kills: readonly Point[], start: (orders: Orders) => Victim, resume: () => Victim) {
    this.tallyFile = join(dir, "tally.json");
    this.kills = [...kills];
    this.start = start;
    this.resume = resume;
  }

  begin(): void {
    const kill = this.kills.shift() ?? null;
    const victim = kill === null && this.killed > 0 ? this.resume() : this.start({ tallyFile: this.tallyFile, kill });
    this.victim = victim;
    void victim.ended.then((how) => {
      if (how === "SIGKILL") this.killed += 1;
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
    const how = await Promise.race([victim.stop(), setTimeout(STOP_WITHIN_MS, null, { ref: false })]);
    this.stopping = false;
    if (how === null) throw new Error(`it does not end within ${STOP_WITHIN_MS / 1000} s of SIGTERM`);
    if (how !== "0") return false;
    // What is in this process counts nothing.
    if (!existsSync(this.tallyFile)) return true;
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

/** Looking costs what it looks at, too. */
const LOOK_MS = 20;

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
    await setTimeout(LOOK_MS);
  }
}
