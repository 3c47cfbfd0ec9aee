import type { JsonObject } from "../../../shared/live.ts";

/** How often a fault still happens: a number of requests, or every one until it is switched off. */
export type Times = number | "all";

/** What goes wrong with requests to the API. `/lab` itself is spared. */
export interface FaultSettings {
  /** Milliseconds that every answer is held back. */
  slowMs: number;
  /** 503, as a server that starts or stops. */
  unavailable: Times;
  /** The connection is reset without an answer. */
  reset: Times;
  /** 429 as plain text, with `Retry-After: retryAfterSeconds`. */
  throttled: Times;
  retryAfterSeconds: number;
  /** Watches open and opened meanwhile never say anything again, and stay open. */
  silentWatches: boolean;
}

const NONE: FaultSettings = {
  slowMs: 0,
  unavailable: 0,
  reset: 0,
  throttled: 0,
  retryAfterSeconds: 1,
  silentWatches: false,
};

export type FaultNow = "none" | "unavailable" | "reset" | "throttled";

/** The switches. Single happenings (`closeWatches`, `forgetHistory`) are calls, as they leave no state behind. */
export class Faults {
  /** Requests that met one that refuses, so far. */
  met = 0;
  private settings: FaultSettings = { ...NONE };
  private readonly onSilence: () => void;

  constructor(onSilence: () => void) {
    this.onSilence = onSilence;
  }

  current(): Readonly<FaultSettings> {
    return this.settings;
  }

  /** Changes what is named and leaves the rest. */
  set(changes: Partial<FaultSettings>): void {
    this.settings = { ...this.settings, ...changes };
    if (changes.silentWatches === true) this.onSilence();
  }

  clear(): void {
    this.settings = { ...NONE };
  }

  /** What happens to the request that is here now; a counted fault is used up by it. */
  next(): FaultNow {
    for (const fault of ["reset", "unavailable", "throttled"] as const) {
      const times = this.settings[fault];
      if (times === 0) continue;
      if (times !== "all") this.settings[fault] = times - 1;
      this.met += 1;
      return fault;
    }
    return "none";
  }
}

/** Reads settings that came as JSON; says what is wrong with them, as a test's typing error must not pass silently. */
export function readSettings(body: JsonObject): Partial<FaultSettings> | string {
  for (const [key, value] of Object.entries(body)) {
    if (!Object.hasOwn(NONE, key))
      return `unknown fault ${JSON.stringify(key)}; known: ${Object.keys(NONE).join(", ")}`;
    const isTimes = value === "all" && ["unavailable", "reset", "throttled"].includes(key);
    const isCount = typeof value === "number" && value >= 0 && key !== "silentWatches";
    const isSwitch = typeof value === "boolean" && key === "silentWatches";
    if (!isTimes && !isCount && !isSwitch) return `bad value of ${key}: ${JSON.stringify(value)}`;
  }
  return body as Partial<FaultSettings>;
}
