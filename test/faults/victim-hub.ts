/** The hub with a journal that kills: `victim-hub CONFIG`. */
import { fileURLToPath } from "node:url";
import { readConfig } from "../../hub/config.ts";
import { runHubs } from "../../hub/main.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { stdoutLog } from "../../shared/node/log.ts";
import { endBy, mortalJournal } from "./mortal.ts";

const config = readConfig(process.argv[2] ?? "");
const end = new AbortController();
const world = {
  journal: mortalJournal(),
  log: stdoutLog("skerry-hub", config.log),
  clock: systemClock,
  random: Math.random,
  gitChild: fileURLToPath(new URL("git-child.js", import.meta.url)),
  assets: fileURLToPath(new URL("ui", import.meta.url)),
};
const ended = runHubs(config, world, end.signal);
endBy(() => (end.abort(), ended));
await ended;
