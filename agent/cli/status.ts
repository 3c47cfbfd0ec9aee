import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { holdAtMost } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { rfc3339 } from "../../shared/names.ts";
import { sqliteCacheToRead } from "../cache/sqlite.ts";
import type { AgentConfig } from "../config.ts";
import { askFilesOf, readAsks } from "../hold/ask-file.ts";
import { heldStatusOf } from "../holding.ts";
import { askStatus } from "../local/client.ts";
import type { Status } from "../local/status.ts";
import { statusText } from "../local/text.ts";
import { statusOf } from "../status.ts";
import { heldBy } from "../target/held.ts";

/**
 * `skerry-agent status`: what the agent that runs here says, or, where none runs, what lies on its disk. Exits 0 where one runs, 3 where none
 * does, 1 where the disk cannot be read.
 */
export function statusCommand(program: Command, readConfig: (file: string) => AgentConfig): Command {
  return program
    .command("status")
    .description("what runs at this site, what should, and why it does not")
    .requiredOption("--config <file>", "the configuration file of the agent (YAML)")
    .addOption(outputOption())
    .action(async (options: { config: string; output?: "json" }) => {
      const config = readConfig(options.config);
      const status = (await askStatus(config.dataDir)) ?? statusOnDisk(config, Date.now());
      print(options.output, status, () => statusText(status));
      process.exitCode = status.running === null ? 3 : 0;
    });
}

export function outputOption(): Option {
  return new Option("-o, --output <form>", "json for programs").choices(["json"]);
}

export function print(output: "json" | undefined, value: object, words: () => string): void {
  process.stdout.write(output === "json" ? `${JSON.stringify(value, null, 2)}\n` : words());
}

function statusOnDisk(config: AgentConfig, now: number): Status {
  const file = join(config.dataDir, "agent.db");
  if (!existsSync(file)) {
    throw new AppError("config", "no agent runs here, and none ever did", {
      where: config.dataDir,
      fix: "start one with `skerry-agent run`, or check dataDir",
    });
  }
  const cache = sqliteCacheToRead(file);
  try {
    const held = heldBy(cache.held(), readAsks(askFilesOf(config)), 0);
    const at = cache.heardAt();
    const url = config.hub?.url ?? "the hub";
    const hub = at === null ? null : { url, connected: false, heardAt: rfc3339(at) };
    return { ...statusOf(config, cache, null, now), hub, held: heldStatusOf(held, holdAtMost({})) };
  } finally {
    cache.close();
  }
}
