import { type AppError, inWords } from "../shared/errors.ts";
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
  private files: ReadonlyMap<string, string> = new Map();

  constructor(options: Refusals["options"]) {
    this.options = options;
  }

  /** Of what the fleet repository has: what is refused now and was not said so before. */
  ofFiles(refusals: ReadonlyMap<string, AppError>): Notice[] {
    const { clock, log } = this.options;
    return [...refusals].flatMap(([what, error]) => {
      if (this.files.get(what) === inWords(error)) return [];
      log.warn({ what, code: error.code }, `refused: ${inWords(error)}`);
      return [notice(clock.now(), "refused", `${what}: ${inWords(error)}`, error.code)];
    });
  }

  /** These were said, and stored. */
  keepFiles(refusals: ReadonlyMap<string, AppError>): void {
    this.files = new Map([...refusals].map(([what, error]) => [what, inWords(error)]));
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
