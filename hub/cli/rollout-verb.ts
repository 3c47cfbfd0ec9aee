import { Command } from "commander";
import { VERBS, type Verb } from "../../shared/verbs.ts";
import { type HubAccess, HubClient } from "./hub-client.ts";
import { asJson, find, ofHub } from "./rollout-hub.ts";
import { line } from "./rollout-lines.ts";
import type { Session } from "./session.ts";

interface Asked extends HubAccess {
  reason: string;
  run?: string;
  wave?: string;
  site?: string;
  who?: string;
  output?: string;
}

const MEANS: Readonly<Record<Verb, string>> = {
  pause: "give the version to nobody else",
  resume: "ask the same gate again",
  approve: "let the next wave open, as far as you are concerned",
  promote: "open the next wave now, whatever the evidence",
  skip: "take one site out of the run",
  retry: "give the version once more to the sites that failed, and ask those anew that were not ready",
  revert: "send every site that took the version back to what it ran before",
  abort: "end the run; what sites took stays",
  start: "run the version of the file once more, as for newer site records (these go back by newer records alone)",
};

/** One command for each verb of the table that the hub, its API and its page go by, too. */
export function rolloutVerbCommands(session: Session): Command[] {
  return (Object.keys(VERBS) as Verb[]).map((verb) => {
    const command = new Command(verb)
      .description(`${MEANS[verb]}: for runs that are ${VERBS[verb].join(" or ")}`)
      .argument("<name>", "of the rollout")
      .requiredOption("--reason <words>", "for those who read the log")
      .option("--run <id>", "left out: its last one")
      .option("--token-file <file>", "your token; left out: SKERRY_TOKEN_FILE or SKERRY_TOKEN")
      .option("--who <name>", "your name, where the token is the hub's own");
    if (verb === "skip") command.requiredOption("--site <id>", "which");
    else if (verb !== "start") {
      command.option(
        "--wave <name>",
        "that you see open: a run that moved on refuses; approve and promote must name it",
      );
    }
    return ofHub(command).action(async (name: string, options: Asked) => {
      const isJson = asJson(options);
      const client = new HubClient(session, options);
      const { reason, wave, site, who } = options;
      const run = await find(client, name, options.run);
      const body = { reason, ...(wave && { wave }), ...(site && { site }), ...(who && { who }) };
      const after = await client.act(run, verb, body);
      session.print(isJson ? JSON.stringify(after, undefined, 2) : line(after));
    });
  });
}
