import { Command } from "commander";
import { publish } from "../build/publish.ts";
import { publishToMirror } from "../build/publish-mirror.ts";
import { openRepository } from "../build/repository.ts";
import type { Session } from "./session.ts";

/** The option of both commands that publish. */
export const TO = ["--to <folder>", "to this folder, laid out as a mirror, and not to origin"] as const;

export function publishCommand(session: Session): Command {
  return new Command("publish")
    .description("bring roots, the head and site records that are signed to origin")
    .option(...TO)
    .action(({ to }: { to?: string }) => publishAndPrint(session, null, to));
}

/** Says what changed, and what was left out and why. */
export async function publishAndPrint(
  session: Session,
  version: { name: string; version: string } | null,
  to: string | undefined,
): Promise<void> {
  const repository = await openRepository(session.repo());
  const { branches, leftOut } =
    to === undefined
      ? await publish(repository, version, session.journal)
      : await publishToMirror(repository.folder, session.path(to), version, session.journal);
  session.print(branches.length === 0 ? "nothing new" : `published ${branches.join(", ")}`);
  for (const line of leftOut) session.complain(`left out: ${line}`);
}
