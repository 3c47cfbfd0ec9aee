import type { LinkEvents } from "../../../agent/link/link.ts";
import type { Clock, Log } from "../../../shared/ports.ts";

/** The site's events, remembered. */
export interface Heard extends LinkEvents {
  connects(): number;
  /** Why each attempt ended. */
  ends(): readonly string[];
  /** `kind text` of each message. */
  said(): string[];
  /** Lengths of the messages in bytes. */
  frames(): number[];
}

export function hearing(): Heard {
  let connects = 0;
  const ends: string[] = [];
  const messages: { kind: string; frame: Uint8Array }[] = [];
  return {
    onConnect: () => {
      connects += 1;
    },
    onDisconnect: (because) => ends.push(because),
    onMessage: (kind, frame) => messages.push({ kind, frame }),
    connects: () => connects,
    ends: () => ends,
    said: () => messages.map(({ kind, frame }) => `${kind} ${Buffer.from(frame).toString()}`),
    frames: () => messages.map(({ frame }) => frame.byteLength),
  };
}

export function text(words: string): Uint8Array {
  return Buffer.from(words);
}

export const FAST = { firstSpreadMs: 20, baseMs: 10, maxMs: 100 };

/** The real clock, its waits divided by `haste`. */
export function clock(haste = 1): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms / haste);
      return () => clearTimeout(timer);
    },
  };
}

export const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
