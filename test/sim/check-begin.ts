import type { Phase } from "../../hub/rollout/run.ts";
import { milliseconds } from "../../shared/names.ts";
import type { Facts, TrueRun } from "./evidence.ts";

/** In these, sites of a run are on their way, or may be. */
const SETTLED: ReadonlySet<string> = new Set(["completed", "reverted", "aborted", "superseded"]);

/** What lets a run begin, and each of its waves open, beside evidence: orders, other runs, and people. */
export function checkBegin(witness: Facts, before: Phase | undefined, run: TrueRun, now: number): void {
  if (before === undefined) checkOrder(witness, run);
  if (hasBegun(run.phase) && !hasBegun(before)) {
    checkApart(witness, run);
    if (!SETTLED.has(before?.kind ?? "")) checkAfter(witness, run, now);
  }
  checkApprovals(witness, before, run);
}

/** Each run has one commit or one word of a person, and each of these starts one run. */
function checkOrder(witness: Facts, { id, rollout, commit, startedBy, reason }: TrueRun): void {
  const order = reason === undefined ? `${rollout} ${commit}` : `${rollout} ${startedBy} ${reason}`;
  const orders = reason === undefined ? witness.commits : witness.asks.started;
  if (!orders.has(order)) witness.fail("ordered", `nobody ordered ${id}: ${order}`, [id]);
  for (const other of witness.runs.values()) {
    const isSame = reason === undefined ? other.commit === commit : other.startedBy === startedBy;
    if (other.id !== id && other.rollout === rollout && other.reason === reason && isSame)
      witness.fail("ordered", `${id} is started by what started ${other.id}: ${order}`, [id, other.id]);
  }
}

function checkApart(witness: Facts, run: TrueRun): void {
  for (const other of witness.runs.values()) {
    if (other.rollout === run.rollout || other.target.bundle !== run.target.bundle || !hasBegun(other.phase)) continue;
    const site = [...run.sites.keys()].find((each) => other.sites.has(each));
    if (site !== undefined)
      witness.fail("apart", `${run.id} begins while ${other.id} moves ${site}, too`, [run.id, other.id, site]);
  }
}

/** A return has waited long enough, and whoever asks for a wave whatever the evidence knows what for. */
function checkAfter(witness: Facts, { id, back, spec, target }: TrueRun, now: number): void {
  if (back || witness.asks.promoting.has(id)) return;
  for (const { rollout, soak = "0" } of spec.after ?? []) {
    const ends = witness.completions.filter((each) => each.rollout === rollout && each.digest === target.digest);
    if (ends.some(({ at }) => now - at >= milliseconds(soak))) continue;
    const last = ends.at(-1);
    const words = last === undefined ? "has not completed with it" : `completed with it ${now - last.at} ms ago`;
    witness.fail("after", `${id} begins ${target.version} ${soak} after ${rollout}, which ${words}`, [id]);
  }
}

function checkApprovals(
  witness: Facts,
  before: Phase | undefined,
  { id, phase, plan, spec, startedBy }: TrueRun,
): void {
  const from = opened(before, plan.waves.length);
  const to = opened(phase, plan.waves.length);
  if (from === null || to === null) return;
  for (let opens = from + 1; opens <= to; opens += 1) {
    const passed = spec.waves.find(({ name }) => name === plan.waves[opens - 1]?.name);
    const needed = opens === 0 ? (spec.lane === "emergency" ? 2 : 0) : (passed?.approve ?? 0);
    const said = [...(witness.asks.approvals.get(`${id} ${opens}`) ?? [])].filter((who) => who !== startedBy);
    if (said.length >= needed) continue;
    const what = plan.waves[opens]?.name ?? "the end";
    const words = `${what} of ${id} opens, ${needed} people must approve, and ${said.join(" and ") || "nobody"} did`;
    witness.fail("approved", words, [id]);
  }
}

/** Sites have it, may have it, or are told to get ready. */
export function hasBegun(phase: Phase | undefined): boolean {
  if (phase === undefined || phase.kind === "planned") return false;
  return phase.kind === "paused" ? phase.resume.before !== "planned" : !SETTLED.has(phase.kind);
}

/** Index of the last wave that opened, one past the last at the end, and -1 before the first; null where it stopped and none opens. */
function opened(phase: Phase | undefined, end: number): number | null {
  switch (phase?.kind) {
    case undefined:
    case "planned":
    case "preparing":
      return -1;
    case "rolling":
      return phase.wave;
    case "paused":
      return phase.resume.before === undefined ? phase.resume.wave : -1;
    case "completed":
      return end;
    default:
      return null;
  }
}
