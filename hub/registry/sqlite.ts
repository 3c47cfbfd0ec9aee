import type { Diff } from "../../shared/diff.ts";
import type { SiteEvent } from "../../shared/event.ts";
import { type Machine, machine as thisMachine } from "../../shared/node/machine.ts";
import { type Database, openDatabase } from "../../shared/node/sqlite.ts";
import { bytesOf, type SignedRow, signedColumns, signedOf, upsert } from "../../shared/node/sqlite-row.ts";
import type { Journal } from "../../shared/ports.ts";
import type { CommitStatus } from "../notify/status.ts";
import type { Run, SiteProgress } from "../rollout/run.ts";
import type { StoredRun } from "../rollout/stored.ts";
import { refuseFenced, releaseLease, renewLease, takeLease } from "./lease.ts";
import { admitPerson, allPeople, dismissPerson, personOf } from "./people.ts";
import { SCHEMA } from "./schema.ts";
import type { Site } from "./site.ts";
import type { Batch, HubState, Notice, SeenRollout, SiteAssignment, Store, StoredEvent } from "./store.ts";

/** Events that are kept; older ones go, so many at a time. */
const EVENTS_KEPT = 100_000;
const EVENTS_AT_ONCE = 10_000;

const ROOT = upsert("roots", ["number"], ["body", "signatures"]);
const RECORD = upsert("records", ["site"], ["root", "body", "signatures"]);
const SITE = upsert("sites", ["id"], ["body"]);
const RUN_SITE = upsert("run_sites", ["run", "site"], ["body"]);
const ASSIGNMENT = upsert("assignments", ["site"], ["body", "assigned", "frame", "published"]);
const STATUS = upsert("statuses", ["rollout"], ["body"]);
const DIFF = upsert("diffs", ["run", "hash"], ["body"]);
const ROLLOUT = upsert("rollouts", ["name"], ["body"]);

/**
 * The store in one SQLite file. A commit is named `store.<effect>` in the journal. Throws `storage`; a damaged file is the
 * operator's to restore: unlike a site, a hub holds what nobody else has.
 */
export function sqliteStore(options: { file: string; journal: Journal; machine?: Machine }): Store {
  const { machine = thisMachine } = options;
  const database = openDatabase({ ...options, migrations: [SCHEMA] });
  return {
    load: async () => load(database),
    take: async (holder, ms) => {
      const epoch = takeLease(database, { machine, holder, ms });
      if (epoch === null) return null;
      return {
        epoch,
        commit: async (effect, batch) => {
          database.transaction(`store.${effect}`, () => {
            refuseFenced(database, epoch);
            write(database, batch);
          });
        },
        renew: async (more) => renewLease(database, { machine, epoch, ms: more }),
        release: async () => releaseLease(database, epoch),
      };
    },
    person: async (hash) => personOf(database, hash),
    people: async () => allPeople(database),
    admit: async (person, notice) =>
      database.transaction("store.admit", () => {
        admitPerson(database, person);
        tell(database, notice);
      }),
    dismiss: async (name, notice) =>
      database.transaction("store.dismiss", () => {
        const known = dismissPerson(database, name);
        if (known) tell(database, notice);
        return known;
      }),
    diff: async (run, hash) => {
      const row = database.get<Body>("SELECT body FROM diffs WHERE run = ? AND hash = ?", run, hash);
      return row === undefined ? null : parsed<Diff>(row);
    },
    events: async (query) => events(database, query),
    close: async () => database.close(),
  };
}

function load({ get, all }: Database): HubState {
  return {
    meta: get<{ term: number }>("SELECT term FROM meta") ?? { term: 1 },
    sites: all<Body>("SELECT body FROM sites ORDER BY id").map(parsed<Site>),
    runs: runs(all),
    assignments: all<AssignmentRow>("SELECT site, body, assigned, frame, published FROM assignments ORDER BY site").map(
      ({ site, body, assigned, frame, published }): SiteAssignment => ({
        site,
        set: JSON.parse(body) as SiteAssignment["set"],
        frame: bytesOf(frame),
        assigned: JSON.parse(assigned) as SiteAssignment["assigned"],
        published: published === 1,
      }),
    ),
    statuses: all<Body>("SELECT body FROM statuses ORDER BY rollout").map(parsed<CommitStatus>),
    rollouts: all<Body>("SELECT body FROM rollouts ORDER BY name").map(parsed<SeenRollout>),
    roots: all<SignedRow>("SELECT body, signatures FROM roots ORDER BY number").map(signedOf),
    records: all<SignedRow & { site: string; root: number }>(
      "SELECT site, root, body, signatures FROM records ORDER BY site",
    ).map(({ site, root, ...row }) => ({ site, root, document: signedOf(row) })),
    diffs: all<{ run: string; hash: string }>("SELECT run, hash FROM diffs ORDER BY run, hash"),
  };
}

function write({ get, run }: Database, batch: Batch): void {
  if (batch.meta !== undefined) run("UPDATE meta SET term = ?", batch.meta.term);
  if (batch.root !== undefined) run(ROOT, batch.root.number, ...signedColumns(batch.root.document));
  for (const { site, root, document } of batch.records ?? []) run(RECORD, site, root, ...signedColumns(document));
  for (const site of batch.sites ?? []) run(SITE, site.id, JSON.stringify(site));
  for (const each of batch.runs ?? []) writeRun({ get, run }, each);
  for (const { site, set, assigned, frame, published } of batch.assignments ?? []) {
    run(ASSIGNMENT, site, JSON.stringify(set), JSON.stringify(assigned), frame, published ? 1 : 0);
  }
  for (const status of batch.statuses ?? []) run(STATUS, status.rollout, JSON.stringify(status));
  for (const { run: of, hash, diff } of batch.diffs ?? []) run(DIFF, of, hash, JSON.stringify(diff));
  for (const of of batch.undiffed ?? []) run("DELETE FROM diffs WHERE run = ?", of);
  for (const seen of batch.rollouts ?? []) run(ROLLOUT, seen.name, JSON.stringify(seen));
  for (const { site, at, event } of batch.events ?? []) {
    run(
      "INSERT INTO events (site, number, at, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
      site,
      event.number,
      at,
      JSON.stringify(event),
    );
  }
  for (const notice of batch.notices ?? []) tell({ get, run }, notice);
  prune({ get, run });
}

function runs(all: Database["all"]): StoredRun[] {
  const sites = new Map<string, [string, SiteProgress][]>();
  for (const { run, site, body } of all<Body & { run: string; site: string }>(
    "SELECT run, site, body FROM run_sites ORDER BY rowid",
  )) {
    const rows = sites.get(run);
    if (rows === undefined) sites.set(run, [[site, JSON.parse(body) as SiteProgress]]);
    else rows.push([site, JSON.parse(body) as SiteProgress]);
  }
  return all<Body & { id: string; plan: string }>("SELECT id, plan, body FROM runs ORDER BY started_at, rowid").map(
    ({ id, plan, body }) => ({
      run: { ...(JSON.parse(body) as Omit<StoredRun["run"], "plan">), plan: JSON.parse(plan) as Run["plan"] },
      sites: sites.get(id) ?? [],
    }),
  );
}

/** The plan of a large run is megabytes, and never changes. */
function writeRun({ get, run }: Pick<Database, "get" | "run">, { run: { plan, ...rest }, sites }: StoredRun): void {
  const { id, startedAt } = rest;
  const body = JSON.stringify(rest);
  if (get("SELECT 1 FROM runs WHERE id = ?", id) === undefined) {
    const insert = "INSERT INTO runs (id, started_at, body, plan) VALUES (?, ?, ?, ?)";
    run(insert, id, startedAt, body, JSON.stringify(plan));
  } else run("UPDATE runs SET started_at = ?, body = ? WHERE id = ? AND body IS NOT ?", startedAt, body, id, body);
  for (const [site, progress] of sites) run(RUN_SITE, id, site, JSON.stringify(progress));
}

/** The hub's own are numbered here: it says each of them once. */
function tell({ get, run }: Pick<Database, "get" | "run">, { at, event }: Notice): void {
  const last = get<{ number: number | null }>("SELECT max(number) AS number FROM events WHERE site = ''")?.number ?? 0;
  const body = JSON.stringify({ ...event, number: last + 1 });
  run("INSERT INTO events (site, number, at, body) VALUES ('', ?, ?, ?)", last + 1, at, body);
}

function prune({ get, run }: Pick<Database, "get" | "run">): void {
  const ends = get<{ first: number | null; last: number | null }>(
    "SELECT min(row) AS first, max(row) AS last FROM events",
  );
  if (ends?.first == null || ends.last == null || ends.last - ends.first < EVENTS_KEPT + EVENTS_AT_ONCE) return;
  run("DELETE FROM events WHERE row <= ?", ends.last - EVENTS_KEPT);
}

function events({ all }: Database, query: { site?: string; before?: number; limit: number }): StoredEvent[] {
  const before = query.before ?? Number.MAX_SAFE_INTEGER;
  const rows =
    query.site === undefined
      ? all<EventRow>(
          "SELECT row, site, at, body FROM events WHERE row < ? ORDER BY row DESC LIMIT ?",
          before,
          query.limit,
        )
      : all<EventRow>(
          "SELECT row, site, at, body FROM events WHERE site = ? AND row < ? ORDER BY row DESC LIMIT ?",
          query.site,
          before,
          query.limit,
        );
  return rows.map(({ row, site, at, body }) => ({ row, site, at, event: JSON.parse(body) as SiteEvent }));
}

interface Body {
  body: string;
}

interface AssignmentRow extends Body {
  site: string;
  assigned: string;
  frame: Buffer;
  published: number;
}

interface EventRow extends Body {
  row: number;
  site: string;
  at: number;
}

function parsed<T>({ body }: Body): T {
  return JSON.parse(body) as T;
}
