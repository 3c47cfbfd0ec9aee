import { isLegal } from "../../shared/verbs.ts";
import type { Effect, Input, PauseReason, Run } from "./run.ts";

/**
 * A person's verb, or news about the rollout's file. What the phase does not allow changes nothing: the API has refused it by
 * the same table, and news may come late. A run that stands still already keeps its first reason.
 */
export function takeInput(run: Run, input: Input, now: number): { run: Run; notices: Effect[] } {
  const { phase } = run;
  switch (input.kind) {
    case "pause":
      if (!isLegal("pause", phase.kind)) return { run, notices: [] };
      return { run: paused(run, { kind: "person", who: input.who, reason: input.reason }, now), notices: [] };
    case "file":
      // Broken or deleted: the fleet is never released because nobody holds it any more.
      if (!isLegal("pause", phase.kind)) return { run, notices: [] };
      return { run: paused(run, { kind: "file", words: input.words }, now), notices: [] };
    case "resume":
      if (phase.kind !== "paused") return { run, notices: [] };
      return {
        // The same gate is asked again: while the failures stand that paused the run, it pauses again at once.
        run: { ...run, phase: { kind: "rolling", wave: phase.resume.wave, step: "opening", since: now } },
        notices: [
          { kind: "notice", words: `${run.id} resumed by ${input.who}: ${input.reason}`, site: null, code: null },
        ],
      };
    case "abort":
      if (!isLegal("abort", phase.kind)) return { run, notices: [] };
      return {
        run: { ...run, phase: { kind: "aborted", who: input.who, reason: input.reason, at: now } },
        notices: [],
      };
    case "superseded":
      if (phase.kind === "aborted" || phase.kind === "superseded") return { run, notices: [] };
      return { run: { ...run, phase: { kind: "superseded", by: input.by, at: now } }, notices: [] };
  }
}

function paused(run: Run, because: PauseReason, now: number): Run {
  const wave = run.phase.kind === "rolling" ? run.phase.wave : 0;
  return { ...run, phase: { kind: "paused", because, resume: { wave }, since: now } };
}
