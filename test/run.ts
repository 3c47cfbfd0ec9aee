/** `npm test [-- FILTER...]`: everything that needs Node, git and ssh-keygen and nothing else. Closes with one line of counts. */
import { join } from "node:path";
import { closeWith, runVitest } from "./support/run-vitest.ts";

closeWith(await runVitest(join(import.meta.dirname, "vitest.config.ts"), process.argv.slice(2)));
