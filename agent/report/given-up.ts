import type { Hold } from "../cache/cache.ts";
import { jobsInWords } from "./jobs.ts";

/** Of the reason, so that what cannot be undone has its place beside it. */
const REASON_AT_MOST = 160;

/** Why a state was given up, and what it did that does not go back with it. */
export function givenUp(because: string, { jobs = [], running, passed }: Hold): string {
  const ran = jobsInWords(jobs.filter(({ digest }) => digest === running.digest));
  const behind = passed === undefined ? [] : [`it stays: phase ${passed.phase} of ${passed.version} has no return`];
  const more = [...(ran.length === 0 ? [] : [`ran before: ${ran.join(", ")}`]), ...behind];
  if (more.length === 0) return because;
  return `${because.slice(0, REASON_AT_MOST)}; ${more.join("; ")}`;
}
