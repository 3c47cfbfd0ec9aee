import { join, resolve } from "node:path";
import type { Command } from "commander";
import { readAnswer, writeRequest } from "./request.ts";

const PATIENCE_MS = 120_000;
const LOOK_MS = 100;

/** Where requests lie, in the folder of the agent's data. */
export function roomOf(dataDir: string): string {
  return join(dataDir, "adopt");
}

/** `skerry-agent adopt FOLDER --config FILE`. Exits 0 where all was taken or nothing is new, 1 where something was refused, 3 where no agent answers. */
export function adoptCommand(program: Command, dataDirOf: (config: string) => string): Command {
  return program
    .command("adopt <folder>")
    .description("have the agent that runs here take what is new in a folder laid out as a mirror, such as a USB stick")
    .requiredOption("--config <file>", "the configuration file of that agent (YAML)")
    .action(async (folder: string, options: { config: string }) => {
      const room = roomOf(dataDirOf(options.config));
      const id = writeRequest(room, resolve(folder));
      for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
        const answer = readAnswer(room, id);
        if (answer !== null) {
          process.stdout.write(answer.lines.map((line) => `${line}\n`).join(""));
          process.exitCode = answer.failed ? 1 : 0;
          return;
        }
        await new Promise((done) => setTimeout(done, LOOK_MS));
      }
      process.stderr.write("skerry-agent: no agent has answered; it takes this up as soon as it runs\n");
      process.exitCode = 3;
    });
}
