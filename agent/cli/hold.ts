import { type Command, InvalidArgumentError } from "commander";
import { duration, milliseconds } from "../../shared/names.ts";
import { type AskFiles, readAsks, takeBack, writeAsk } from "../hold/ask-file.ts";

type Places = (config: string) => AskFiles;

/** `skerry-agent hold`. Works with and without an agent that runs: what is asked lies in the data folder. Exits 0 once it is written. */
export function holdCommand(program: Command, placesOf: Places): Command {
  return program
    .command("hold")
    .description("not now: start nothing new here, for as long as is said, and as the bundles allow")
    .requiredOption("--config <file>", "the configuration file of the agent (YAML)")
    .option("--for <time>", "how long, as 90m or 2h; until released where it is left out", timeOf)
    .option("--reason <words>", "why, for whoever asks", "")
    .action((options: { config: string; for?: number; reason: string }) => {
      writeAsk(placesOf(options.config), { by: "command", reason: options.reason, forMs: options.for ?? null });
      process.stdout.write(
        "held: nothing new starts, as long as the bundles here allow; what runs is kept right all the same\n",
      );
    });
}

/** `skerry-agent release`. Exits 0 where nothing holds the site by a file any more, 1 where the disk does not let go. */
export function releaseCommand(program: Command, placesOf: Places): Command {
  return program
    .command("release")
    .description("take a hold back: what waits may start")
    .requiredOption("--config <file>", "the configuration file of the agent (YAML)")
    .action((options: { config: string }) => {
      const places = placesOf(options.config);
      const was = readAsks(places).length > 0;
      takeBack(places);
      process.stdout.write(was ? "released\n" : "nothing held it by a file of this data folder\n");
    });
}

function timeOf(text: string): number {
  const ms = duration.safeParse(text).success ? milliseconds(text) : 0;
  if (ms > 0) return ms;
  throw new InvalidArgumentError("a time such as 90m, 2h or 1d12h, longer than none.");
}
