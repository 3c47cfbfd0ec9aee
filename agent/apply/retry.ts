import { AppError, type ErrorCode } from "../../shared/errors.ts";
import { type KubeClass, KubeError } from "./kube.ts";

/** What waiting cannot change: the content itself is refused by this cluster. */
const REFUSED: ReadonlySet<KubeClass> = new Set(["manifest", "immutable", "policy"]);
/** First wait in ms by class, doubled with each failure in a row up to `MAX_MS`. */
const FIRST_MS: Readonly<Record<KubeClass, number>> = {
  manifest: 60_000,
  immutable: 60_000,
  policy: 60_000,
  // A server that just started answers so to users who do hold the right, for a second or so.
  forbidden: 500,
  quota: 10_000,
  conflict: 200,
  "missing-namespace": 200,
  "missing-kind": 200,
  terminating: 1_000,
  wait: 500,
  throttled: 1_000,
  expired: 200,
  "no-dry-run": 60_000,
  unreachable: 500,
  server: 1_000,
};
const MAX_MS = 60_000;

export interface Failure {
  /** The object, as `nameOf` gives it. */
  object: string;
  error: AppError;
}

/** Whether the failure is final for this content, as opposed to the cluster's present mood. */
export function isFinal({ error }: Failure): boolean {
  return !(error instanceof KubeError) || REFUSED.has(error.kubeClass);
}

/** The code that a state is given up with. */
export function codeOf({ error }: Failure): ErrorCode {
  return error.code;
}

/** For a person: class, reason and fields; never the server's own words, which can hold secret values. */
export function failureWords({ object, error }: Failure): string {
  if (!(error instanceof KubeError)) return `${object}: ${error.message}`;
  const fields = error.fields.length === 0 ? "" : ` at ${error.fields.slice(0, 3).join(", ")}`;
  const fix =
    error.kubeClass === "immutable" ? "; a bundle that lists it under `recreate` has it deleted and made anew" : "";
  return `${object}: ${error.message}${fields}${fix}`;
}

/** Milliseconds to wait after the `attempts`-th failure in a row: exponential with half jitter, never before the server's Retry-After. */
export function waitFor(failure: Failure, attempts: number, random: number): number {
  const { error } = failure;
  const first = error instanceof KubeError ? FIRST_MS[error.kubeClass] : MAX_MS;
  const ceiling = Math.min(MAX_MS, first * 2 ** Math.min(attempts - 1, 20));
  const jittered = ceiling / 2 + (random * ceiling) / 2;
  const told = error instanceof KubeError ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.max(jittered, told);
}
