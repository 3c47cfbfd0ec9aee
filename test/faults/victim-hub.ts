/** The hub with a journal that kills: `victim-hub CONFIG`. */
import { fileURLToPath } from "node:url";
import { readConfig } from "../../hub/config.ts";
import { runHub } from "../../hub/main.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { stdoutLog } from "../../shared/node/log.ts";
import { endBy, mortalJournal } from "./mortal.ts";

const config = readConfig(process.argv[2] ?? "");
const hub = await runHub(config, {
  journal: mortalJournal(),
  log: stdoutLog("skerry-hub", config.log),
  clock: systemClock,
  random: Math.random,
  gitChild: fileURLToPath(new URL("git-child.js", import.meta.url)),
  assets: fileURLToPath(new URL("ui", import.meta.url)),
});
endBy(() => hub.stop());
