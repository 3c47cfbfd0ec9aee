import { Command } from "commander";
import { HEAD_NAMESPACE } from "../../shared/head.ts";
import { rfc3339 } from "../../shared/names.ts";
import { signersOf } from "../../shared/verify/root.ts";
import { readFleet } from "../build/fleet.ts";
import { writeHead } from "../build/head-draft.ts";
import { fetchOrigin, openRepository } from "../build/repository.ts";
import { keysOf, signFile } from "../build/sign.ts";
import type { Session } from "./session.ts";

export function headCommand(session: Session): Command {
  const command = new Command("head").description("the daily statement of what is newest");
  command
    .command("sign")
    .description(
      "write head.json from the newest published versions, and sign it; `skerry publish` brings it to the sources",
    )
    .requiredOption("--key <file>", "private key, or public key of one in an agent")
    .option("--as <name>", "name of the key")
    .action(async (options: { key: string; as?: string }) => {
      const repository = await openRepository(session.repo());
      const { newest } = await readFleet(repository.folder);
      signersOf(newest, "head"); // throws where the root has no such role
      if (repository.origin !== "") await fetchOrigin(repository);
      const { file, head, leftOut } = await writeHead(repository, newest, rfc3339(session.now), session.journal);
      for (const line of leftOut) session.complain(`left out: ${line}`);
      const keys = keysOf(newest.document, newest.document.roles.head);
      const request = { file, namespace: HEAD_NAMESPACE, keyFile: session.path(options.key), as: options.as, keys };
      const named = Object.entries(head.newest).map(([bundle, pair]) => `${bundle} ${pair.join(".")}`);
      session.print(
        `head ${head.number} of ${head.createdAt}: root ${head.root}${named.map((each) => `, ${each}`).join("")}`,
      );
      session.print(await signFile(request, session.journal));
    });
  return command;
}
