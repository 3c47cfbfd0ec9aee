/**
 * Records test/golden/kube-errors: what Kubernetes 1.36 answers, each answer provoked for real. Run by hand:
 * `node test/k8s/record-kube-errors.ts [NAME...]`, then read what changed.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { startControlPlane } from "./cluster.ts";
import { CASES } from "./kube-errors.ts";
import { Provoker, type Recorded } from "./provoke.ts";
import { whileStarting } from "./starting.ts";

const FILE = new URL("../golden/kube-errors/answers.json", import.meta.url);

const names = process.argv.slice(2);
const wanted = (name: string) => names.length === 0 || names.includes(name);
const recorded = new Map<string, Recorded>(
  Object.entries(names.length > 0 && existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {}),
);
const plane = await startControlPlane({ sites: 1 });
try {
  const [site] = plane.sites;
  if (site === undefined) throw new Error("no site");
  const on = await Provoker.on(plane);
  for (const [name, provoke] of Object.entries(CASES)) {
    try {
      const answer = await provoke(on);
      if (answer.status < 400) throw new Error(`it was taken: ${answer.status}`);
      if (wanted(name)) recorded.set(name, answer);
    } catch (error) {
      process.exitCode = 1;
      process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  for (const [name, answer] of Object.entries(await whileStarting(site))) if (wanted(name)) recorded.set(name, answer);
} finally {
  await plane.stop();
}
writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(recorded), null, 1)}\n`);
