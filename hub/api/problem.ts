import { AppError, inWords } from "../../shared/errors.ts";
import type { Problem, ProblemCode } from "./contract-verb.ts";

const STATUS = {
  "bad-request": [400, "Bad Request"],
  unauthorized: [401, "Unauthorized"],
  forbidden: [403, "Forbidden"],
  "not-found": [404, "Not Found"],
  conflict: [409, "Conflict"],
  "too-large": [413, "Content Too Large"],
  misdirected: [421, "Misdirected Request"],
  internal: [500, "Internal Server Error"],
  busy: [503, "Service Unavailable"],
  unavailable: [503, "Service Unavailable"],
} as const satisfies Record<ProblemCode, readonly [number, string]>;

/** A refusal as RFC 9457 has it. */
export function problemAnswer(code: ProblemCode, detail: string, more: Pick<Problem, "fix" | "run"> = {}): Response {
  const [status, title] = STATUS[code];
  const body: Problem = { type: "about:blank", title, status, code, detail, ...more };
  const headers: Record<string, string> = { "content-type": "application/problem+json", "cache-control": "no-store" };
  if (code === "unauthorized") headers["www-authenticate"] = "Bearer";
  return new Response(JSON.stringify(body), { status, headers });
}

/** What went wrong inside, by its code; `internal` says no more than that, for the log says it. */
export function problemOf(error: unknown): Response {
  const code = error instanceof AppError ? PROBLEM_BY_CODE[error.code] : undefined;
  if (!(error instanceof AppError) || code === undefined) {
    return problemAnswer("internal", "the hub met an error of its own", { fix: "see the hub's log" });
  }
  const { fix } = error;
  return problemAnswer(code, inWords(error), fix === undefined ? {} : { fix });
}

const PROBLEM_BY_CODE: Partial<Record<AppError["code"], ProblemCode>> = {
  schema: "bad-request",
  malformed: "bad-request",
  "not-found": "not-found",
  storage: "unavailable",
  busy: "unavailable",
  fenced: "unavailable",
};
