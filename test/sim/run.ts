/**
 * `npm run sim -- [--seeds N] [--seed S] [--sites N]`: deterministic stories of a fleet. A seed that fails is printed with the lines
 * that matter, and replays exactly.
 */
import { makeReplaceable } from "./replace.ts";

makeReplaceable({ "shared/node/frame.ts": ["encodeFrame", "openFrame", "parseWireKey"] });
const { main } = await import("./main.ts");
await main(process.argv.slice(2));
