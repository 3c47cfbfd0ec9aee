import { Command } from "commander";
import { publish } from "../build/publish.ts";
import { openRepository } from "../build/repository.ts";
import type { Session } from "./session.ts";

export function publishCommand(session: Session): Command {
  return new Command("publish")
    .description("push roots and site records that are signed to origin")
    .action(() => publishAndPrint(session, null));
}

/** Says what changed, and what was left out because it is not signed enough. */
export async function publishAndPrint(
  session: Session,
  version: { name: string; version: string } | null,
): Promise<void> {
  const repository = await openRepository(session.repo());
  const { branches, leftOut } = await publish(repository, version, session.journal);
  session.print(branches.length === 0 ? "nothing new" : `published ${branches.join(", ")}`);
  for (const line of leftOut) session.complain(`left out: ${line}`);
}
