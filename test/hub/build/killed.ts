/** `skerry` that kills itself at a place of an effect: `node killed.ts EFFECT PLACE ARGS...`. */
import { run } from "../../../hub/cli/run.ts";

const [effect, place, ...args] = process.argv.slice(2);

await run(args, {
  folder: process.cwd(),
  now: Date.parse("2026-11-21T08:00:00Z"),
  print: () => {},
  complain: console.error,
  journal: (reached, at) => {
    if (reached === effect && at === place) process.kill(process.pid, "SIGKILL");
  },
});
