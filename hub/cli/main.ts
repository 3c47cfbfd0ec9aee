import { run } from "./run.ts";

process.exitCode = await run(process.argv.slice(2), {
  folder: process.cwd(),
  now: Date.now(),
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
