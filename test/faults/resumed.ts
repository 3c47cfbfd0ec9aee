import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig as readAgentConfig } from "../../agent/config.ts";
import { runAgent } from "../../agent/main.ts";
import { readConfig as readHubConfig } from "../../hub/config.ts";
import { runHubs } from "../../hub/main.ts";
import { inWords } from "../../shared/errors.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { type Log, silent } from "../../shared/ports.ts";
import type { Victim } from "./victims.ts";

/** A program inside this process. `bundled`: the folder of the bundled programs. */
export function resumed(program: "agent" | "hub", config: string, logFile: string, bundled: string): Victim {
  const world = {
    journal: silent,
    log: logTo(logFile),
    clock: systemClock,
    random: Math.random,
    gitChild: join(bundled, "git-child.js"),
    assets: join(bundled, "ui"),
  };
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const began =
    program === "agent" ? runAgent(readAgentConfig(config), world) : hubOf(readHubConfig(config), world, resolve);
  began.catch((error: unknown) => resolve(inWords(error)));
  return {
    ended,
    send: () => {},
    stop: async () => {
      await began
        .then((running) => running.stop())
        .then(
          () => resolve("0"),
          (error: unknown) => resolve(inWords(error)),
        );
      return ended;
    },
  };
}

async function hubOf(
  config: Parameters<typeof runHubs>[0],
  world: Parameters<typeof runHubs>[1],
  onEnd: (how: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const end = new AbortController();
  const ended = runHubs(config, world, end.signal);
  ended.catch((error: unknown) => onEnd(inWords(error)));
  return { stop: () => (end.abort(), ended) };
}

function logTo(file: string): Log {
  const line = (level: string) => (fields: object, words: string) =>
    appendFileSync(file, `${JSON.stringify({ level, time: new Date().toISOString(), ...fields, msg: words })}\n`);
  return { debug: () => {}, info: line("info"), warn: line("warn"), error: line("error") };
}
