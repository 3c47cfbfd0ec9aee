import type { Summary } from "../observe/observed.ts";
import type { ApplyPlan } from "../plan/plan.ts";
import type { Decision } from "../target/target.ts";

/** What a person should read first: why the target is refused, else what the plan waits for, else health, else why nothing new starts. */
export function waitingWords(
  evaluation: { plan: ApplyPlan; summary: Summary } | null,
  decision: Decision | null,
): string | null {
  const stays = decision?.do === "stay" && !["settled", "moving", "nothing-assigned"].includes(decision.because);
  const words = !stays ? null : decision.words === "" ? decision.because : `${decision.because}: ${decision.words}`;
  if (stays && decision.code !== null) return words;
  const [first] = evaluation?.plan.waitingOn ?? [];
  if (first !== undefined) return `${first.object} ${first.words}`.trim();
  const verdict = evaluation?.summary.verdict;
  if (verdict !== undefined && verdict.health !== "healthy") return verdict.because;
  return words;
}
