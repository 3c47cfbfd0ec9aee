import { type Command, InvalidArgumentError } from "commander";
import { duration, milliseconds } from "../../shared/names.ts";
import type { AgentConfig } from "../config.ts";
import { askPull, askStatus } from "../local/client.ts";
import { hasFailed, isAtRest, type Status } from "../local/status.ts";
import { statusText } from "../local/text.ts";
import { outputOption, print } from "./status.ts";

interface Options {
  config: string;
  within: number;
  output?: "json";
}

/** An agent for the time of one command. */
export interface Agent {
  status(): Status;
  stop(): Promise<void>;
}

const LOOK_MS = 500;
/** At rest for so many looks: what a source just brought begins a moment after it was read. */
const LOOKS = 3;

/**
 * `skerry-agent once`: looks at the sources, and takes the site to where it should be: the agent that runs here does, or one for the time of this command.
 * With a hub, its answer is waited for. Exits 0 once there is nothing left to do, 1 where something failed, 3 where the time was over before.
 */
export function onceCommand(
  program: Command,
  readConfig: (file: string) => AgentConfig,
  start: (config: AgentConfig) => Promise<Agent>,
): Command {
  return program
    .command("once")
    .description("look at the sources once, and bring the site to where it should be")
    .requiredOption("--config <file>", "the configuration file of the agent (YAML)")
    .option("--within <time>", "as 90s or 15m", timeOf, 900_000)
    .addOption(outputOption())
    .action(async (options: Options) => {
      const config = readConfig(options.config);
      const asked = Date.now();
      const runs = await askPull(config.dataDir);
      const agent = runs ? null : await start(config);
      try {
        const look = async () => agent?.status() ?? (await askStatus(config.dataDir));
        const { code, status } = await settled(look, asked, options.within);
        if (status !== null) print(options.output, status, () => statusText(status));
        process.exitCode = code;
      } finally {
        await agent?.stop();
      }
    });
}

async function settled(
  look: () => Promise<Status | null>,
  asked: number,
  withinMs: number,
): Promise<{ code: number; status: Status | null }> {
  const end = performance.now() + withinMs;
  let rested = 0;
  for (;;) {
    const status = await look();
    if (status !== null && hasFailed(status) && wasRead(status, asked)) return { code: 1, status };
    rested = status !== null && isAtRest(status) && wasRead(status, asked) ? rested + 1 : 0;
    if (rested >= LOOKS && (status?.hub == null || isSince(status.hub.heardAt, asked))) return { code: 0, status };
    // Without an answer of the hub what is here is done: being offline is no failure.
    if (performance.now() >= end) return { code: rested >= LOOKS ? 0 : 3, status };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function wasRead({ sourcedAt }: Status, asked: number): boolean {
  return isSince(sourcedAt, asked);
}

/** Times are whole seconds. */
function isSince(at: string | null, asked: number): boolean {
  return at !== null && Date.parse(at) + 1_000 > asked;
}

function timeOf(text: string): number {
  const ms = duration.safeParse(text).success ? milliseconds(text) : 0;
  if (ms > 0) return ms;
  throw new InvalidArgumentError("a time such as 90s or 15m, longer than none.");
}
