import type { Clock, Log } from "../shared/ports.ts";
import { OncePer } from "./ingest/rate.ts";
import type { Refused } from "./intake.ts";
import { notice } from "./notices.ts";
import type { Notice } from "./registry/store.ts";

const EVERY_MS = 60_000;

/** What was refused, for the log and the list of events: once in a while for each sender and reason. */
export class Refusals {
  private readonly options: { clock: Clock; log: Log; knows(site: string): boolean };
  private readonly told = new OncePer(EVERY_MS);

  constructor(options: Refusals["options"]) {
    this.options = options;
  }

  /** The rest was told a moment ago. Strangers count as one: they choose their names. */
  toTell(refused: readonly Refused[]): Notice[] {
    const { clock, log, knows } = this.options;
    return refused.flatMap(({ client, code, words }) => {
      if (!this.told.allows(`${knows(client) ? client : ""} ${code}`, clock.monotonic())) return [];
      log.warn({ client, code }, `refused: ${words}`);
      return [notice(clock.now(), "refused", `from ${client}: ${words}`, code)];
    });
  }
}
