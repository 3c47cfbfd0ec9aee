import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStore } from "../../hub/registry/sqlite.ts";
import { silent } from "../../shared/ports.ts";
import { type Point, placeOf, readTally, type Tally } from "./mortal.ts";
import type { Played, Scenario } from "./scenario.ts";
import type { Victims } from "./victims.ts";

const CONFIG = ["--config", "hub.yaml"];
const CREATE = ["create", "--name", "ada", "--role", "operator", ...CONFIG];
const REVOKE = ["revoke", "ada", ...CONFIG];

/** A person is let in and sent away: whoever comes or goes is told of, once, and nobody is half there. */
export const people: Scenario = {
  program: "hub",
  story: "people",
  play: async (victims, [kill]) => {
    const dir = mkdtempSync(join(tmpdir(), "skerry-people-"));
    const tally: Tally = {};
    const lost: string[] = [];
    let killed = 0;
    let left = kill?.nth ?? 0;
    try {
      for (const [args, there] of [
        [CREATE, 1],
        [REVOKE, 0],
      ] as const) {
        const how = await once(victims, dir, args, kill === undefined ? null : { ...kill, nth: left });
        if (how === "SIGKILL") killed += 1;
        else {
          const came = readTally(join(dir, "tally.json"));
          for (const [place, times] of Object.entries(came)) tally[place] = (tally[place] ?? 0) + times;
          left -= kill === undefined ? 0 : (came[placeOf(kill)] ?? 0);
        }
        lost.push(...(await halves(dir)));
        // Done again where it was killed: it is done now, or was before.
        if (how === "SIGKILL") await once(victims, dir, args, null);
        const found = (await stateOf(dir)).people;
        if (found !== there) lost.push(`${found} people are known after ${args[0]}`);
      }
      return { lost, killed, tally } satisfies Played;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

function once(victims: Victims, dir: string, args: readonly string[], kill: Point | null): Promise<string> {
  const orders = { tallyFile: join(dir, "tally.json"), kill };
  return victims.start("token", [join(dir, "hub.db"), ...args], orders, join(dir, "token.log")).ended;
}

async function halves(dir: string): Promise<string[]> {
  const { people, came, went } = await stateOf(dir);
  return people === came - went ? [] : [`${people} people are known, ${came} came and ${went} went`];
}

async function stateOf(dir: string): Promise<{ people: number; came: number; went: number }> {
  const store = sqliteStore({ file: join(dir, "hub.db"), journal: silent });
  try {
    const told = (await store.events({ limit: 9 })).map(({ event: { words = "" } }) => words);
    const count = (what: string) => told.filter((words) => words.includes(what)).length;
    return { people: (await store.people()).length, came: count("created"), went: count("revoked") };
  } finally {
    await store.close();
  }
}
