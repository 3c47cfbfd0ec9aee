import type { Verb } from "../../shared/verbs.ts";
import type { Facts, TrueRun } from "./evidence.ts";
import { mayApprove } from "./people.ts";

/** What a person asks of a run as they saw it. */
export interface Asked {
  run: string;
  rollout: string;
  /** Index of the wave that would open next. */
  opens: number;
  verb: Verb;
  /** No two asks have the same. */
  reason: string;
  wave: string | undefined;
  site: string | undefined;
}

/** What people asked of the hub, and were told. */
export class Asks {
  /** `run site` of the sites that people took out. */
  readonly skipped = new Set<string>();
  /** Runs of which somebody asks at this moment that the next wave opens. */
  readonly promoting = new Set<string>();
  /** By `run index`: those who may, and said that the wave of that index opens. */
  readonly approvals = new Map<string, Set<string>>();
  /** `rollout who reason` of each start that was asked for. */
  readonly started = new Set<string>();
  private readonly witness: Pick<Facts, "runs" | "fail">;

  constructor(witness: Pick<Facts, "runs" | "fail">) {
    this.witness = witness;
  }

  /** Returns what to call with whether it was done. */
  begin(who: string, asked: Asked): (done: boolean) => void {
    const { run, rollout, opens, verb, reason, site } = asked;
    if (verb === "promote") this.promoting.add(run);
    if (verb === "start") this.started.add(`${rollout} ${who} ${reason}`);
    if (verb === "approve" && mayApprove(who)) {
      const key = `${run} ${opens}`;
      this.approvals.set(key, (this.approvals.get(key) ?? new Set()).add(who));
    }
    if (site !== undefined) this.skipped.add(`${run} ${site}`);
    return (done) => {
      if (verb === "promote") this.promoting.delete(run);
      if (done) this.check(who, asked);
      else if (site !== undefined && !this.isSkipped(run, site)) this.skipped.delete(`${run} ${site}`);
    };
  }

  /** Whoever asked a hub that died hears nothing more. */
  hubStarted(): void {
    this.promoting.clear();
  }

  private isSkipped(run: string, site: string): boolean {
    return this.witness.runs.get(run)?.sites.get(site)?.outcome === "skipped";
  }

  /** What somebody was told is done is stored. */
  private check(who: string, asked: Asked): void {
    const { run: id, rollout, verb, reason } = asked;
    const run = this.witness.runs.get(id);
    const isStarted = [...this.witness.runs.values()].some(
      (each) => each.rollout === rollout && each.startedBy === who && each.reason === reason,
    );
    if (verb === "start" ? isStarted : run !== undefined && isDone(run, who, asked)) return;
    this.witness.fail("told", `${who} is told that ${verb} of ${id} is done, which is ${run?.phase.kind}`, [id]);
  }
}

const OUT: ReadonlySet<string> = new Set(["skipped", "ineligible"]);

function isDone({ phase, sites, approvals = [] }: TrueRun, who: string, { verb, site, opens }: Asked): boolean {
  switch (verb) {
    case "pause":
      return phase.kind === "paused";
    case "resume":
      return phase.kind !== "paused" || phase.because.kind !== "person";
    case "abort":
      return phase.kind === "aborted";
    case "revert":
      return phase.kind === "reverting" || phase.kind === "reverted";
    case "skip":
      // One that its record took out is out anyway.
      return site !== undefined && OUT.has(sites.get(site)?.outcome ?? "");
    case "approve":
      return approvals.some((each) => each.who === who && each.opens === opens);
    default:
      return true;
  }
}
