import type { Command } from "commander";
import type { Log } from "../../shared/ports.ts";
import { adoptCommand } from "../adopt/command.ts";
import type { AgentConfig } from "../config.ts";
import { askFilesOf } from "../hold/ask-file.ts";
import { holdCommand, releaseCommand } from "./hold.ts";
import { type Agent, onceCommand } from "./once.ts";
import { diffCommand, planCommand } from "./plan.ts";
import { rbacCommand } from "./rbac.ts";
import { statusCommand } from "./status.ts";

/** All that can be asked of the agent's program beside `run`. `start`: an agent for the time of a command, which says what is wrong on stderr. */
export function commandsOf(
  readConfig: (file: string) => AgentConfig,
  start: (config: AgentConfig, log: Log) => Promise<Agent>,
): ((program: Command) => Command)[] {
  const places = (file: string) => askFilesOf(readConfig(file));
  return [
    (program) => onceCommand(program, readConfig, (config) => start(config, STDERR)),
    (program) => statusCommand(program, readConfig),
    (program) => planCommand(program, readConfig),
    (program) => diffCommand(program, readConfig),
    (program) => holdCommand(program, places),
    (program) => releaseCommand(program, places),
    (program) => adoptCommand(program, (file) => readConfig(file).dataDir),
    (program) => rbacCommand(program, readConfig),
  ];
}

const say = (fields: object, words: string) => {
  process.stderr.write(`skerry-agent: ${words} ${JSON.stringify(fields)}\n`);
};
const STDERR: Log = { debug() {}, info() {}, warn: say, error: say };
