/**
 * `npm run demo`: the main job on this machine, from nothing. Without `--exit` it plays the first two parts and stays up;
 * with it, it plays the whole story, checks each part, and exits 0 only if all held. `--sites N` (3 to 12), `--k8s real`.
 */
import { parseArgs } from "node:util";
import { inWords } from "../../../shared/errors.ts";
import { closeWith } from "../../support/run-vitest.ts";
import { labClusters, realClusters } from "./clusters.ts";
import { openDoor } from "./door.ts";
import { type Stage, setStage } from "./stage.ts";
import { type Part, ROLLOUT, STORY } from "./story.ts";
import { Undo } from "./undo.ts";

const { values } = parseArgs({
  options: {
    exit: { type: "boolean", default: false },
    sites: { type: "string" },
    k8s: { type: "string", default: "lab" },
  },
});

const real = values.k8s === "real";
const wanted = Number(values.sites ?? (real ? 3 : 6));
if (!Number.isInteger(wanted) || wanted < 3 || wanted > 12)
  fail("--sites takes 3 to 12: one in the first wave, one to be cut, one that stays");
if (values.k8s !== "lab" && !real) fail("--k8s takes lab or real");

const say = (words: string) => process.stdout.write(`   ${words}\n`);
const undo = new Undo();
let leaving = false;
process.once("SIGINT", () => void leave(0));
process.once("SIGTERM", () => void leave(0));

try {
  process.stdout.write(
    `Skerry demo: ${wanted} sites on ${real ? "real Kubernetes" : "the lab's Kubernetes API"}, everything on 127.0.0.1\n\n`,
  );
  const clusters = await (real ? realClusters : labClusters)(wanted, undo);
  const stage = await setStage({ clusters, rollout: ROLLOUT, say, undo });
  const parts = values.exit ? STORY : STORY.slice(0, 2);
  let passed = 0;
  for (const [index, part] of parts.entries()) {
    if (!(await playOne(index + 1, part, stage))) break;
    passed += 1;
  }
  if (values.exit || passed < parts.length) {
    closeWith({ passed, failed: passed < parts.length ? 1 : 0, skipped: Math.max(0, parts.length - passed - 1) });
    if (passed < parts.length) say(`logs are in ${stage.dir}; they are removed when this ends`);
    await leave(process.exitCode === 0 ? 0 : 1);
  }
  const door = await openDoor(stage);
  undo.add(door.stop);
  process.stdout.write(door.welcome);
} catch (error) {
  // While leaving, everything that is waited for fails.
  if (!leaving) process.stderr.write(`${inWords(error)}\n`);
  await leave(1);
}

async function playOne(number: number, part: Part, stage: Stage): Promise<boolean> {
  const begun = performance.now();
  process.stdout.write(`\n${number}. ${part.title}\n`);
  try {
    await part.play(stage, say);
    process.stdout.write(`   ok, ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
    return true;
  } catch (error) {
    process.stdout.write(`   FAILED: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

async function leave(code: number): Promise<never> {
  leaving = true;
  await undo.all();
  process.exit(code);
}

function fail(words: string): never {
  process.stderr.write(`${words}\n`);
  process.exit(2);
}
