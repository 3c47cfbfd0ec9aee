/** What the world gives to the stages. Decisions take values (`now`, a seed); only the wiring holds these. */

export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Milliseconds that never run backwards, from an arbitrary start. */
  monotonic(): number;
  /** Calls back once after `ms`; returns the cancel. */
  after(ms: number, run: () => void): () => void;
}

/** Uniform in [0, 1). */
export type Random = () => number;

/** pino's shape: fields first, then words. */
export interface Log {
  debug(fields: object, words: string): void;
  info(fields: object, words: string): void;
  warn(fields: object, words: string): void;
  error(fields: object, words: string): void;
}

/**
 * Called around every effect on the world: before it, between its parts (inside a transaction that is not yet committed,
 * sent but not yet answered), and after it. Production passes `silent`; the fault suite kills the process here.
 */
export type Journal = (effect: string, place: "before" | "between" | "after") => void;

export const silent: Journal = () => {};

/** Exact bytes of a document and its detached signatures, by key name. Untrusted until verified. */
export interface SignedBytes {
  body: Uint8Array;
  signatures: ReadonlyMap<string, string>;
}
