/** `skerry` with a journal that kills: `victim-skerry FOLDER NOW ARGS...`. */
import { run } from "../../hub/cli/run.ts";
import { mortalJournal } from "./mortal.ts";

const [folder = ".", now = "0", ...args] = process.argv.slice(2);
process.exitCode = await run(args, {
  folder,
  now: Number(now),
  print: () => {},
  complain: (line) => process.stderr.write(`${line}\n`),
  journal: mortalJournal(),
});
