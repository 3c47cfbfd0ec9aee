/** The agent with a journal that kills: `victim-agent CONFIG`. */
import { fileURLToPath } from "node:url";
import { readConfig } from "../../agent/config.ts";
import { runAgent } from "../../agent/main.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { stdoutLog } from "../../shared/node/log.ts";
import { endBy, mortalJournal } from "./mortal.ts";

const config = readConfig(process.argv[2] ?? "");
const agent = await runAgent(config, {
  journal: mortalJournal(),
  log: stdoutLog("skerry-agent", config.log),
  clock: systemClock,
  random: Math.random,
  gitChild: fileURLToPath(new URL("git-child.js", import.meta.url)),
});
endBy(() => agent.stop());
