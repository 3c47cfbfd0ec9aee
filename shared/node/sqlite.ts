import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Sqlite from "better-sqlite3";
import { AppError } from "../errors.ts";
import { type Journal, silent } from "../ports.ts";

/** One SQLite file, opened for good. Every call is synchronous and throws `AppError` `storage` (`internal` for wrong SQL). */
export interface Database {
  get<Row>(sql: string, ...values: Value[]): Row | undefined;
  all<Row>(sql: string, ...values: Value[]): Row[];
  /** Inside a transaction. */
  run(sql: string, ...values: Value[]): void;
  /**
   * All writes of `work` or none; committed and synced to the disk when it returns. Nested calls join the outer one.
   * A failed statement dooms the whole transaction, also where `work` swallows its error. Where nothing changed, nothing is written.
   */
  transaction<T>(effect: string, work: () => T): T;
  close(): void;
}

export type Value = string | number | Uint8Array | null;

/** How long a writer waits for another one. The wait blocks the event loop, and a second writer is a mistake anyway. */
const BUSY_MS = 2000;
/** KiB of page cache; SQLite spills a larger transaction to the disk by itself. */
const PAGE_CACHE_KIB = 2000;
/** The write-ahead log is cut back to this after a large transaction, in bytes: agents live on small disks. */
const LOG_BYTES = 4 * 1024 * 1024;

/**
 * Opens or creates `file` (its folder must exist), checks it, and brings it up to the last of `migrations` (SQL texts; their
 * count is the schema's number, kept in `user_version`). `synchronous=FULL`, because NORMAL loses acknowledged
 * transactions at a power cut. `begin` fills one that did not exist, in the transaction that makes it. Throws `storage`: damaged (see `isDamaged`), newer than this program, no rights, no space.
 */
export function openDatabase(options: {
  file: string;
  migrations: readonly string[];
  journal: Journal;
  begin?: (database: Database) => void;
}): Database {
  const { file, migrations, journal, begin } = options;
  const sql = connect(file);
  const database = over(sql, file, journal);
  try {
    refuseNewer(sql, migrations.length, file);
    const mode = sql.pragma("journal_mode = WAL", { simple: true });
    if (mode !== "wal") {
      throw new AppError("storage", "this file system cannot hold the database: it has no shared memory maps", {
        where: file,
        fix: "keep the data folder on a local disk",
      });
    }
    sql.pragma("synchronous = FULL");
    sql.pragma("foreign_keys = ON");
    sql.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
    sql.pragma("mmap_size = 0");
    sql.pragma(`journal_size_limit = ${LOG_BYTES}`);
    const finding = String(sql.pragma("quick_check(1)", { simple: true }));
    if (finding !== "ok") throw new Sqlite.SqliteError(finding.split("\n").at(-1) ?? "", "SQLITE_CORRUPT");
    if (schemaNumber(sql) < migrations.length) {
      const isNew = schemaNumber(sql) === 0;
      database.transaction("database.migrate", () => {
        for (const text of migrations.slice(schemaNumber(sql))) sql.exec(text);
        sql.pragma(`user_version = ${migrations.length}`);
        if (isNew) begin?.(database);
      });
    }
    // SQLite syncs the file, not its name in the folder.
    syncFolder(file);
  } catch (error) {
    sql.close();
    throw explained(error, file);
  }
  return database;
}

/**
 * Opens a file beside whoever writes it, only to read. Throws `storage`: no such file, no rights, another schema than `migrations` make.
 */
export function readDatabase(options: { file: string; migrations: readonly string[] }): Database {
  const { file, migrations } = options;
  const sql = connect(file, true);
  try {
    const found = schemaNumber(sql);
    if (found !== migrations.length) {
      throw new AppError("storage", `schema ${found}, this program reads ${migrations.length}`, {
        where: file,
        fix: "use the program that wrote it",
      });
    }
    return over(sql, file, silent);
  } catch (error) {
    sql.close();
    throw explained(error, file);
  }
}

/** True where the file itself is broken, so that no retry helps: set it aside and rebuild. */
export function isDamaged(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : undefined;
  return cause instanceof Sqlite.SqliteError && isDamage(cause.code);
}

/** So many damaged databases are kept; a disk that goes on failing must not be filled with them. */
const DAMAGED_KEPT = 4;

/**
 * Renames a closed database and its log out of the way, to the first free `<file>.damaged-<n>`, which is returned. Where all are taken,
 * the last one makes way: the first is where it began.
 * The database goes first: a new one ignores an old log, but an old one without its log would look sound and be behind.
 */
export function setAside(file: string, journal: Journal): string {
  let n = 1;
  while (n < DAMAGED_KEPT && existsSync(damaged(file, n))) n += 1;
  const aside = damaged(file, n);
  journal("database.aside", "before");
  try {
    for (const suffix of ["", "-wal", "-shm"]) {
      if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
      else rmSync(aside + suffix, { force: true });
      journal("database.aside", "between");
    }
    syncFolder(file);
  } catch (cause) {
    throw new AppError("storage", "the damaged database cannot be renamed", {
      where: file,
      fix: "check that this user may write the folder, or move the file away by hand",
      cause,
    });
  }
  journal("database.aside", "after");
  return aside;
}

/** The newest of those that were set aside; null where none was. */
export function lastSetAside(file: string): string | null {
  const kept = Array.from({ length: DAMAGED_KEPT }, (_value, index) => damaged(file, index + 1)).filter(existsSync);
  return kept.toSorted((a, b) => statSync(a).ctimeMs - statSync(b).ctimeMs).at(-1) ?? null;
}

function damaged(file: string, n: number): string {
  return `${file}.damaged-${n}`;
}

function connect(file: string, readonly = false): Sqlite.Database {
  try {
    return new Sqlite(file, { timeout: BUSY_MS, readonly, fileMustExist: readonly });
  } catch (cause) {
    if (cause instanceof Sqlite.SqliteError) throw explained(cause, file);
    throw new AppError("storage", "the database cannot be opened: its folder does not exist", {
      where: file,
      fix: "create the folder and give this user the right to write it",
      cause,
    });
  }
}

function over(sql: Sqlite.Database, file: string, journal: Journal): Database {
  const prepared = new Map<string, Sqlite.Statement>();
  let open = false;
  let failure: unknown;

  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      failure = explained(error, file);
      throw failure;
    }
  };
  const statement = (text: string) => {
    let found = prepared.get(text);
    if (found === undefined) {
      found = sql.prepare(text);
      prepared.set(text, found);
    }
    return found;
  };
  // On a full or failing disk SQLite rolls back by itself; a statement after that would be committed alone.
  const unlessDoomed = () => {
    if (failure !== undefined) throw failure;
  };

  return {
    get: <Row>(text: string, ...values: Value[]) => attempt(() => statement(text).get(...values) as Row | undefined),
    all: <Row>(text: string, ...values: Value[]) => attempt(() => statement(text).all(...values) as Row[]),
    run: (text, ...values) => {
      if (!open) throw new AppError("internal", "a write outside a transaction, of which the journal knows nothing");
      unlessDoomed();
      attempt(() => statement(text).run(...values));
    },
    transaction: (effect, work) => {
      if (open) return work();
      journal(effect, "before");
      // IMMEDIATE: a reader that turns writer half-way can only fail, a writer from the start can wait its turn.
      attempt(() => sql.exec("BEGIN IMMEDIATE"));
      open = true;
      failure = undefined;
      let result: ReturnType<typeof work>;
      try {
        result = work();
        unlessDoomed();
        journal(effect, "between");
        attempt(() => sql.exec("COMMIT"));
      } catch (error) {
        if (sql.inTransaction) sql.exec("ROLLBACK");
        throw explained(error, file);
      } finally {
        open = false;
      }
      journal(effect, "after");
      return result;
    },
    close: () => {
      sql.close();
    },
  };
}

function schemaNumber(sql: Sqlite.Database): number {
  return Number(sql.pragma("user_version", { simple: true }));
}

function refuseNewer(sql: Sqlite.Database, known: number, file: string): void {
  const found = schemaNumber(sql);
  if (found <= known) return;
  throw new AppError("storage", `written by a newer version: schema ${found}, this program knows up to ${known}`, {
    where: file,
    fix: "run the newer version again, or start this one on a copy from before the upgrade",
  });
}

function syncFolder(file: string): void {
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** `storage` in words for what SQLite said (https://sqlite.org/rescode.html); any other error as it is. */
function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  const storage = (what: string, fix: string) => new AppError("storage", what, { where: file, fix, cause: error });
  const { code } = error;
  if (isDamage(code)) {
    return storage(
      `the database is damaged: ${error.message}`,
      "check the disk; the file must be set aside, and rebuilt or restored from a backup",
    );
  }
  if (code === "SQLITE_FULL") return storage("the disk is full: nothing of this change was stored", "free some space");
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    return storage("another process is writing to the database", "let only one process run on this data folder");
  }
  if (/^SQLITE_(?:CANTOPEN|READONLY|PERM|AUTH)/.test(code)) {
    return storage(
      "the database cannot be opened for writing",
      "check that this user may write the file and its folder",
    );
  }
  if (/^SQLITE_(?:IOERR|NOMEM|PROTOCOL)/.test(code)) {
    return storage(`reading or writing the database failed: ${code}`, "check the disk and the system's log");
  }
  return new AppError("internal", `${code}: ${error.message}`, { where: file, cause: error });
}

function isDamage(code: string): boolean {
  return code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";
}
