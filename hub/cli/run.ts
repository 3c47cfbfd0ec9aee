import { resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { AppError, inWords } from "../../shared/errors.ts";
import { silent } from "../../shared/ports.ts";
import { bundleCommand } from "./bundle.ts";
import { headCommand } from "./head.ts";
import { publishCommand } from "./publish.ts";
import { rolloutCommand } from "./rollout.ts";
import { rootCommand } from "./root.ts";
import type { Session, World } from "./session.ts";
import { siteCommand } from "./site.ts";

/** Runs `skerry`. Returns its exit code: 0 fine, 1 failed, 2 wrong use, 3 not yet. Errors are one line each, never a stack trace. */
export async function run(args: readonly string[], world: World): Promise<number> {
  const program = new Command("skerry")
    .description("Signs and publishes what a fleet of clusters shall run")
    .option("--repo <folder>", "the fleet repository", ".");
  let code = 0;
  const session: Session = {
    ...world,
    env: world.env ?? {},
    end: (as) => {
      code = as;
    },
    journal: world.journal ?? silent,
    path: (file) => resolve(world.folder, file),
    repo: () => resolve(world.folder, program.opts<{ repo: string }>().repo),
  };
  program.addCommand(rootCommand(session)).addCommand(siteCommand(session));
  program.addCommand(bundleCommand(session)).addCommand(publishCommand(session));
  program.addCommand(rolloutCommand(session)).addCommand(headCommand(session));
  for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => world.print(text.trimEnd()),
      writeErr: (text) => world.complain(text.trimEnd()),
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    world.complain(inWords(error));
    return error instanceof AppError && error.code === "usage" ? 2 : 1;
  }
}
