import type { NewEvent, SiteEvent } from "../../shared/event.ts";
import type { Database } from "../../shared/node/sqlite.ts";
import { bytesOf } from "../../shared/node/sqlite-row.ts";
import type { Cache, Counters } from "./cache.ts";
import { MAX_WAITING, makeRoom, type Waiting } from "./room.ts";

type Outbox = Pick<
  Cache,
  "counters" | "takeReportNumber" | "acknowledge" | "acked" | "heardAt" | "addEvents" | "numberEvents" | "waitingEvents"
>;

const COUNTERS = "SELECT report, report_acked AS reportAcked, event, event_acked AS eventAcked FROM counters";
const OLDEST = "SELECT id, number, body FROM outbox ORDER BY id LIMIT ?";

const WAITING = "SELECT count(*) AS waiting FROM outbox WHERE number IS NULL";
const ALL = "SELECT count(*) AS waiting FROM outbox";
const UNNUMBERED = "SELECT id, body FROM outbox WHERE number IS NULL ORDER BY id";

/** Reports are numbered, events wait until a hub confirmed them. */
export function outbox(database: Database): Outbox {
  const { all, run, transaction } = database;
  const counters = () => {
    const [row] = all<Counters>(COUNTERS);
    if (row === undefined) throw new Error("the schema makes this row");
    return row;
  };
  const raise = (atLeast: { report: number; event: number }) => {
    // The hub knows event numbers that we never used: ours were lost, and it took none of the events numbered since.
    if (atLeast.event > counters().event) run("UPDATE outbox SET number = NULL WHERE number IS NOT NULL");
    run("UPDATE counters SET report = ? WHERE report < ?", atLeast.report, atLeast.report);
    run("UPDATE counters SET event = ? WHERE event < ?", atLeast.event, atLeast.event);
  };

  return {
    counters,
    takeReportNumber: () =>
      transaction("cache.takeReportNumber", () => {
        run("UPDATE counters SET report = report + 1");
        return counters().report;
      }),
    heardAt: () => all<{ at: number | null }>("SELECT heard_at AS at FROM counters")[0]?.at ?? null,
    acked: () => {
      const frame = all<{ acked: Buffer | null }>("SELECT acked FROM counters")[0]?.acked;
      return frame ? bytesOf(frame) : null;
    },
    acknowledge: (confirmed, at) => {
      transaction("cache.acknowledge", () => {
        run("UPDATE counters SET heard_at = ?", at);
        raise(confirmed);
        const { reportAcked, eventAcked } = counters();
        if (confirmed.report > reportAcked || confirmed.event > eventAcked)
          run("UPDATE counters SET acked = ?", confirmed.frame);
        run("UPDATE counters SET report_acked = ? WHERE report_acked < ?", confirmed.report, confirmed.report);
        run("UPDATE counters SET event_acked = ? WHERE event_acked < ?", confirmed.event, confirmed.event);
        run("DELETE FROM outbox WHERE number <= ?", confirmed.event);
      });
    },

    addEvents: (events: readonly NewEvent[]) => {
      transaction("cache.addEvents", () => {
        const add = (event: NewEvent) => run("INSERT INTO outbox (body) VALUES (?)", JSON.stringify(event));
        events.forEach(add);
        if ((all<{ waiting: number }>(WAITING)[0]?.waiting ?? 0) <= MAX_WAITING) return;
        const room = makeRoom(all<{ id: number; body: string }>(UNNUMBERED).map(waitingOf));
        for (const id of room?.drop ?? []) run("DELETE FROM outbox WHERE id = ?", id);
        if (room !== null) add(room.instead);
      });
    },
    waitingEvents: () => all<{ waiting: number }>(ALL)[0]?.waiting ?? 0,
    numberEvents: (max) =>
      transaction("cache.numberEvents", () => {
        const rows = all<{ id: number; number: number | null; body: string }>(OLDEST, max);
        let last = counters().event;
        const events = rows.map(({ id, number, body }): SiteEvent => {
          if (number === null) {
            last += 1;
            run("UPDATE outbox SET number = ? WHERE id = ?", last, id);
          }
          const event: NewEvent = JSON.parse(body);
          return Object.assign(event, { number: number ?? last });
        });
        run("UPDATE counters SET event = ? WHERE event < ?", last, last);
        return events;
      }),
  };
}

function waitingOf({ id, body }: { id: number; body: string }): Waiting {
  return { id, event: JSON.parse(body) };
}
