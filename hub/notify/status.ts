import { assertNever } from "../../shared/errors.ts";
import type { SeenRollout } from "../registry/store.ts";
import type { PauseReason, Run } from "../rollout/run.ts";

/** What the author of a commit is told beside it: one status for each rollout, at the commit that brought its file to what it is. */
export interface CommitStatus {
  rollout: string;
  commit: string;
  state: "pending" | "success" | "failure" | "error";
  /** Of one line; changes with what people act on, and not with every second of a soak. */
  words: string;
}

type InWords = (why: PauseReason) => string;

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** By what is stored alone: whatever was missed is told by the next look. Deleted files have no status. */
export function wantedStatuses(rollouts: Iterable<SeenRollout>, runs: Iterable<Run>, inWords: InWords): CommitStatus[] {
  const last = new Map([...runs].map((run) => [run.rollout, run]));
  return [...rollouts].flatMap(({ name, commit, sha256, refused }): CommitStatus[] => {
    if (sha256 === null || !COMMIT.test(commit)) return [];
    if (refused !== null) return [{ rollout: name, commit, state: "error", words: refused }];
    const run = last.get(name);
    return run === undefined ? [] : [{ rollout: name, commit, ...stateOf(run, inWords) }];
  });
}

function stateOf({ id, phase, plan, target }: Run, inWords: InWords): Pick<CommitStatus, "state" | "words"> {
  const what = `${target.bundle} ${target.version}`;
  switch (phase.kind) {
    case "planned":
      return { state: "pending", words: `${id}: ${what} waits to begin` };
    case "preparing":
      return { state: "pending", words: `${id}: ${what} is prepared at its sites` };
    case "rolling": {
      const wave = `wave ${plan.waves[phase.wave]?.name}, ${phase.wave + 1} of ${plan.waves.length}`;
      return { state: "pending", words: `${id}: ${what} moves through ${wave}` };
    }
    case "paused":
      return { state: "failure", words: `${id} paused: ${inWords(phase.because)}` };
    case "completed":
      return { state: "success", words: `${id}: ${what} completed` };
    case "reverting":
      return { state: "failure", words: `${id} goes back: ${inWords(phase.because)}` };
    case "reverted":
      return { state: "failure", words: `${id} went back: ${inWords(phase.because)}` };
    case "aborted":
      return { state: "failure", words: `${id} aborted by ${phase.who}: ${phase.reason}` };
    case "superseded":
      return { state: "failure", words: `${id} superseded by ${phase.by}` };
    default:
      return assertNever(phase);
  }
}
