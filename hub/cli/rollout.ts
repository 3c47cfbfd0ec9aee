import { Command } from "commander";
import { MOVE_NAMESPACE } from "../../shared/move.ts";
import { readFleet } from "../build/fleet.ts";
import { writeMove } from "../build/move-draft.ts";
import { keysOf, signFile } from "../build/sign.ts";
import { rolloutLsCommand, rolloutStatusCommand, rolloutWatchCommand } from "./rollout-hub.ts";
import { rolloutPlanCommand, rolloutSchemaCommand } from "./rollout-plan.ts";
import { rolloutVerbCommands } from "./rollout-verb.ts";
import type { Session } from "./session.ts";

export function rolloutCommand(session: Session): Command {
  const command = new Command("rollout").description(
    "rollout files: what they would do, and orders for them; and their runs at a hub",
  );
  command
    .command("sign <name>")
    .description(
      "sign rollouts/<name>.yaml as it is now, for a root with the role move; commit the file and its order together",
    )
    .requiredOption("--key <file>", "private key, or public key of one in an agent")
    .option("--as <name>", "name of the key")
    .action(async (name: string, options: { key: string; as?: string }) => {
      const { document } = (await readFleet(session.repo())).newest;
      const file = await writeMove(session.repo(), name, document, session.journal);
      const keys = keysOf(document, document.roles.move);
      const keyFile = session.path(options.key);
      const request = { file, namespace: MOVE_NAMESPACE, keyFile, as: options.as, keys };
      session.print(await signFile(request, session.journal));
    });
  const others = [
    rolloutPlanCommand,
    rolloutSchemaCommand,
    rolloutLsCommand,
    rolloutStatusCommand,
    rolloutWatchCommand,
  ];
  for (const make of others) command.addCommand(make(session));
  for (const verb of rolloutVerbCommands(session)) command.addCommand(verb);
  return command;
}
