import { Command } from "commander";
import { AppError, inWords } from "../errors.ts";

/** A program that runs until it is stopped: `NAME run --config FILE [--print-config]`, and what else it can be asked. */
export interface Daemon<Config> {
  name: string;
  description: string;
  version: string;
  readConfig(file: string): Config;
  /** `ended`, where it can end by itself: a rejection is a failure of the program. */
  start(config: Config): Promise<{ stop(): Promise<void>; ended?: Promise<void> }>;
  /** Further commands of the program, each made on it. */
  commands?: readonly ((program: Command) => Command)[];
}

/** Exits 0 after SIGINT or SIGTERM, 1 with one line of words where it cannot start or end well, 2 for wrong use. */
export async function runDaemon<Config>({
  name,
  description,
  version,
  readConfig,
  start,
  commands = [],
}: Daemon<Config>): Promise<void> {
  const fail = (error: unknown): never => {
    process.stderr.write(`${name}: ${inWords(error)}\n`);
    process.exit(error instanceof AppError && error.code === "usage" ? 2 : 1);
  };
  const program = new Command(name).description(description).version(version);
  const run = program
    .command("run")
    .description("run until stopped")
    .requiredOption("--config <file>", "the configuration file (YAML)")
    .option("--print-config", "show the configuration with its defaults, and end")
    .action(async (options: { config: string; printConfig?: boolean }) => {
      const config = readConfig(options.config);
      if (options.printConfig === true) {
        process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
        return;
      }
      const running = await start(config);
      const stop = () => void running.stop().then(() => process.exit(0), fail);
      process.once("SIGINT", stop);
      process.once("SIGTERM", stop);
      running.ended?.catch(fail);
    });
  const others = commands.map((make) => make(program));
  for (const command of [program, run, ...others, ...others.flatMap(({ commands: below }) => below)])
    command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  await program.parseAsync().catch(fail);
}
