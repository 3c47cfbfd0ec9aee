import { AppError } from "../../shared/errors.ts";
import type { Machine } from "../../shared/node/machine.ts";
import type { Database } from "../../shared/node/sqlite.ts";

/**
 * The lease of the store in SQLite. The file is on one machine, so time is that machine's clock since its boot, which nobody sets and
 * which goes on while a process is stopped; a lease of an earlier boot, or of a process that ended, is over.
 * Whether a write counts never depends on time: it depends on the epoch, in the transaction of the write.
 */
interface Lease {
  epoch: number;
  holder: string;
  boot: string;
  until: number;
  ms: number;
}

type Taking = { machine: Machine; holder: string; ms: number };

/** The new epoch; null where another holds the lease. */
export function takeLease(database: Database, taking: Taking): number | null {
  // Who stands by asks again and again, and writes nothing.
  if (isHeld(current(database), taking)) return null;
  return database.transaction("lease.take", () => {
    const before = current(database);
    if (isHeld(before, taking)) return null;
    const { machine, holder, ms } = taking;
    const epoch = before.epoch + 1;
    const until = machine.now() + ms;
    const sql = "UPDATE lease SET epoch = ?, holder = ?, boot = ?, until = ?, ms = ?";
    database.run(sql, epoch, holder, machine.boot, until, ms);
    return epoch;
  });
}

export function renewLease(database: Database, by: { machine: Machine; epoch: number; ms: number }): void {
  database.transaction("lease.renew", () => {
    refuseFenced(database, by.epoch);
    database.run("UPDATE lease SET until = ?, ms = ?", by.machine.now() + by.ms, by.ms);
  });
}

export function releaseLease(database: Database, epoch: number): void {
  database.transaction("lease.release", () => {
    if (current(database).epoch === epoch) database.run("UPDATE lease SET until = 0");
  });
}

/** Throws `fenced` where another took a lease since. */
export function refuseFenced(database: Database, epoch: number): void {
  const { epoch: now, holder } = current(database);
  if (now === epoch) return;
  throw new AppError("fenced", `another hub took over: epoch ${now}, process ${holder.split("@")[0]}`, {
    fix: "leave it to that one, and run one hub on a store",
  });
}

function isHeld({ holder, boot, until, ms }: Lease, { machine, holder: asks }: Taking): boolean {
  if (holder === asks || boot !== machine.boot || machine.isGone(holder)) return false;
  const left = until - machine.now();
  // More is left than was ever given: the clock began anew, and with it everything else.
  return left > 0 && left <= ms;
}

function current({ get }: Database): Lease {
  const lease = get<Lease>("SELECT epoch, holder, boot, until, ms FROM lease");
  if (lease === undefined) throw new AppError("internal", "the store has no row for its lease");
  return lease;
}
