import "../../shared/node/require-node.ts";
import { run } from "./run.ts";

// Whoever reads no further, as `head` does, stops no work that is under way.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

process.exitCode = await run(process.argv.slice(2), {
  folder: process.cwd(),
  now: Date.now(),
  env: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
});
