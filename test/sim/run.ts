/**
 * `npm run sim -- [--seeds N] [--seed S] [--sites N] [--planted N] [--count N] [--plant BUG] [--weeks] [--twice]`: stories of a fleet, each from one seed. A seed
 * that fails is printed with the lines that matter, and replays exactly; `--twice` plays each again to see that it does. Then bugs are
 * planted, one at a time, and each must be found within N seeds; `--count`: that many are played of each bug anyway, to see how many find it.
 * `--weeks`: each story lasts for weeks. `--plant` plants one in all that is played, or hunts that one alone.
 */
import { makeReplaceable } from "./replace.ts";
import { REPLACED } from "./replaced.ts";

makeReplaceable(REPLACED);
const { main } = await import("./main.ts");
await main(process.argv.slice(2));
