import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { HubSite } from "./hub-site.ts";
import { freePort, read, runsOf, SITES, stageHubs } from "./hub-stage.ts";
import { untilHolds } from "./scenario.ts";
import { bundleVictims, type Victim } from "./victims.ts";

const NEVER = { failure: null };

/** Of the lease that is in force. */
function epochIn(dir: string): number {
  return read<{ epoch: number }>(dir, "SELECT epoch FROM lease")[0]?.epoch ?? 0;
}

function isWritable(dir: string): boolean {
  const database = new Sqlite(join(dir, "data/hub.db"), { timeout: 500 });
  try {
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

test("of two hubs on one store one leads; stopped past its lease it has lost it, and when it wakes up it changes nothing", async () => {
  const dir = mkdtempSync(join(tmpdir(), "skerry-two-hubs-"));
  const victims = await bundleVictims();
  const ports = [await freePort(), await freePort()];
  const { root, configs, publish, deploy, stop } = await stageHubs(dir, ports, { more: ["lease: 2s", "log: debug"] });
  const hubs: Victim[] = [];
  const sites = SITES.map((id) => new HubSite(id, ports, root));
  const log = (index: number) => {
    const file = join(dir, `${index}.log`);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };
  const start = (index: number) => {
    const orders = { tallyFile: join(dir, `${index}.json`), kill: null };
    const victim = victims.start("hub", [configs[index] ?? ""], orders, join(dir, `${index}.log`));
    hubs.push(victim);
    return victim;
  };
  const phase = (id: string) => runsOf(dir).find((run) => run.id === id)?.phase.kind;
  try {
    publish(1);
    deploy("1.0.0");
    const first = start(0);
    await untilHolds("1.0.0 completed", NEVER, () => phase("pos-1") === "completed");
    start(1);
    await untilHolds("the second stands by", NEVER, () => log(1).includes("standing by"));
    expect(epochIn(dir)).toBe(1);

    // In the middle of a wave, with sets on their way.
    publish(2);
    deploy("1.1.0");
    await untilHolds("1.1.0 begun", NEVER, () => phase("pos-2") === "rolling");
    // Not in the middle of a write: then nobody can, until it is killed.
    do {
      first.send("SIGCONT");
      await new Promise((resolve) => setTimeout(resolve, 20));
      first.send("SIGSTOP");
    } while (!isWritable(dir));
    await untilHolds("the second leads", NEVER, () => epochIn(dir) === 2);
    await untilHolds("1.1.0 completed by the second", NEVER, () => phase("pos-2") === "completed", 40_000);
    publish(3);
    deploy("1.2.0");
    await untilHolds("1.2.0 begun", NEVER, () => phase("pos-3") !== undefined);

    first.send("SIGCONT");
    await untilHolds("the first stands by", NEVER, () => /took over.*standing by/s.test(log(0)));
    await untilHolds("1.2.0 completed", NEVER, () => phase("pos-3") === "completed", 40_000);
    expect(epochIn(dir)).toBe(2);

    // The second ends in good order: the first, which waits, leads again at once, and knows all that happened meanwhile.
    await hubs[1]?.stop();
    await untilHolds("the first leads again", NEVER, () => epochIn(dir) === 3);
    publish(4);
    deploy("1.3.0");
    await untilHolds("1.3.0 completed", NEVER, () => phase("pos-4") === "completed", 40_000);
    for (const site of sites) site.rest();
    expect(sites.flatMap((site) => site.lost)).toEqual([]);
    expect(runsOf(dir).map((run) => run.id)).toEqual(["pos-1", "pos-2", "pos-3", "pos-4"]);
    expect(read<{ term: number }>(dir, "SELECT term FROM meta")).toEqual([{ term: 1 }]);
  } finally {
    await Promise.all(sites.map((site) => site.close()));
    hubs[0]?.send("SIGCONT");
    await Promise.all(hubs.map((hub) => hub.stop()));
    await stop();
    victims.remove();
    rmSync(dir, { recursive: true, force: true });
  }
}, 180_000);
