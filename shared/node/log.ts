import { pino } from "pino";
import type { Log } from "../ports.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard output, written at once so that a kill loses none. */
export function stdoutLog(program: string, level: LogLevel): Log {
  return pino(
    { name: program, level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, sync: true }),
  );
}
