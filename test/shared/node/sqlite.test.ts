import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { inWords } from "../../../shared/errors.ts";
import { type Database, isDamaged, openDatabase, setAside } from "../../../shared/node/sqlite.ts";
import { type Journal, silent } from "../../../shared/ports.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { thrownBy } from "../../support/thrown.ts";

const FIRST = "CREATE TABLE notes (id INTEGER PRIMARY KEY, words TEXT NOT NULL UNIQUE) STRICT;";
const SECOND = "ALTER TABLE notes ADD COLUMN mood TEXT; UPDATE notes SET mood = 'old';";

function open(file: string, migrations: readonly string[] = [FIRST], journal: Journal = silent): Database {
  return openDatabase({ file, migrations, journal });
}

function add(database: Database, words: string): void {
  database.transaction("note", () => database.run("INSERT INTO notes (words) VALUES (?)", words));
}

function fill(database: Database, rows: number): void {
  database.transaction("fill", () => {
    for (let n = 0; n < rows; n += 1) add(database, `${n} ${"x".repeat(200)}`);
  });
}

function overwrite(file: string, from: number, to?: number): void {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0, from, to));
}

function notes(database: Database): string[] {
  return database.all<{ words: string }>("SELECT words FROM notes ORDER BY id").map(({ words }) => words);
}

it("opens with a write-ahead log that is synced at every commit, and little memory", () => {
  const database = open(fileInFolder("a.db"));
  const pragma = (name: string) => Object.values(database.get<Record<string, unknown>>(`PRAGMA ${name}`) ?? {})[0];
  expect(pragma("journal_mode")).toBe("wal");
  expect(pragma("synchronous")).toBe(2);
  expect(pragma("foreign_keys")).toBe(1);
  expect(pragma("busy_timeout")).toBe(2000);
  expect(pragma("cache_size")).toBe(-2000);
  expect(pragma("mmap_size")).toBe(0);
  expect(pragma("user_version")).toBe(1);
  database.close();
});

it("brings an older schema up to date with its rows, once", () => {
  const file = fileInFolder("a.db");
  const before = open(file);
  add(before, "kept");
  before.close();
  const trace: string[] = [];
  const journal: Journal = (effect, place) => trace.push(`${effect} ${place}`);
  const after = open(file, [FIRST, SECOND], journal);
  expect(after.all("SELECT words, mood FROM notes")).toEqual([{ words: "kept", mood: "old" }]);
  after.close();
  open(file, [FIRST, SECOND], journal).close();
  expect(trace).toEqual(["before", "between", "after"].map((place) => `database.migrate ${place}`));
});

it("leaves the old schema where a migration fails half-way", () => {
  const file = fileInFolder("a.db");
  open(file).close();
  const broken = "CREATE TABLE more (id INTEGER) STRICT; CREATE TABLE notes (id INTEGER) STRICT;";
  expect(thrownBy(() => open(file, [FIRST, broken]))).toMatchObject({ code: "internal", where: file });
  const database = open(file);
  expect(database.all("SELECT name FROM sqlite_schema WHERE type = 'table'")).toEqual([{ name: "notes" }]);
  database.close();
});

it("refuses a newer schema, without touching it", () => {
  const file = fileInFolder("a.db");
  open(file, [FIRST, SECOND]).close();
  const bytes = readFileSync(file);
  const error = thrownBy(() => open(file));
  expect(inWords(error)).toBe(
    `storage: written by a newer version: schema 2, this program knows up to 1 (${file}); ` +
      "run the newer version again, or start this one on a copy from before the upgrade",
  );
  expect(isDamaged(error)).toBe(false);
  expect(readFileSync(file)).toEqual(bytes);
  expect(readdirSync(dirname(file))).toEqual([basename(file)]);
});

it.each([
  ["no folder", (file: string) => join(file, "deeper", "a.db"), "create the folder"],
  ["a folder in its place", (file: string) => (mkdirSync(file), file), "check that this user may write"],
])("says what to do where there is %s", (_, place, fix) => {
  const file = place(fileInFolder("a.db"));
  const error = thrownBy(() => open(file));
  expect(error).toMatchObject({ code: "storage", where: file, fix: expect.stringContaining(fix) });
  expect(isDamaged(error)).toBe(false);
});

it("needs a file system that can hold the log", () => {
  expect(thrownBy(() => open(":memory:"))).toMatchObject({
    code: "storage",
    fix: "keep the data folder on a local disk",
  });
});

it("stores nothing of a transaction that fills the disk, and goes on when there is space", () => {
  const database = open(fileInFolder("a.db"));
  add(database, "before");
  const pages = database.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0;
  database.get(`PRAGMA max_page_count = ${pages + 2}`);
  const twoRows = () =>
    database.transaction("fill", () => {
      add(database, "small");
      add(database, "x".repeat(50_000));
    });
  expect(thrownBy(twoRows)).toMatchObject({
    code: "storage",
    message: "the disk is full: nothing of this change was stored",
    fix: "free some space",
  });
  expect(notes(database)).toEqual(["before"]);
  database.get(`PRAGMA max_page_count = ${pages + 1_000}`);
  twoRows();
  expect(notes(database)).toHaveLength(3);
  database.close();
});

it("stores nothing of a transaction that swallowed a failure inside it", () => {
  const database = open(fileInFolder("a.db"));
  add(database, "before");
  const pages = database.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0;
  database.get(`PRAGMA max_page_count = ${pages + 2}`);
  const full = { message: "the disk is full: nothing of this change was stored" };
  const careless = () =>
    database.transaction("careless", () => {
      add(database, "small");
      expect(thrownBy(() => add(database, "x".repeat(50_000)))).toMatchObject(full);
      // The database rolled back by itself: this would be committed at once, alone.
      expect(thrownBy(() => add(database, "alone"))).toMatchObject(full);
    });
  expect(thrownBy(careless)).toMatchObject(full);
  expect(notes(database)).toEqual(["before"]);
  database.close();
});

it("calls wrong SQL and a broken constraint a bug of ours", () => {
  const database = open(fileInFolder("a.db"));
  expect(thrownBy(() => database.transaction("note", () => database.run("SELEKT")))).toMatchObject({
    code: "internal",
  });
  add(database, "once");
  expect(thrownBy(() => add(database, "once"))).toMatchObject({ code: "internal" });
  database.close();
});

it("finds damage at the start that no statement has met yet", () => {
  const file = fileInFolder("a.db");
  const first = open(file);
  fill(first, 400);
  first.close();
  overwrite(file, 40_960, 45_056);
  const error = thrownBy(() => open(file));
  expect(error).toMatchObject({ code: "storage", where: file });
  expect(inWords(error)).toMatch(/^storage: the database is damaged: .+set aside/);
  expect(isDamaged(error)).toBe(true);
});

it("notices damage that comes later, when it meets it", () => {
  const file = fileInFolder("a.db");
  const first = open(file);
  // More than the page cache holds after the check at the start.
  fill(first, 20_000);
  first.close();
  const database = open(file);
  overwrite(file, 8_192);
  expect(isDamaged(thrownBy(() => notes(database)))).toBe(true);
  database.close();
});

it("sets a database aside with its log, each under a new name", () => {
  const file = fileInFolder("a.db");
  for (const n of [1, 2]) {
    for (const suffix of ["", "-wal", "-shm"]) writeFileSync(file + suffix, `${n}${suffix}`);
    expect(setAside(file, silent)).toBe(`${file}.damaged-${n}`);
  }
  expect(readdirSync(dirname(file)).toSorted()).toEqual([
    "a.db.damaged-1",
    "a.db.damaged-1-shm",
    "a.db.damaged-1-wal",
    "a.db.damaged-2",
    "a.db.damaged-2-shm",
    "a.db.damaged-2-wal",
  ]);
  expect(readFileSync(`${file}.damaged-2-wal`, "utf8")).toBe("2-wal");
});

it("keeps no more than four that were set aside: the last makes way, with its log", () => {
  const file = fileInFolder("a.db");
  for (const n of [1, 2, 3, 4, 5]) {
    writeFileSync(file, String(n));
    if (n === 4) writeFileSync(`${file}-wal`, String(n));
    setAside(file, silent);
  }
  const kept = readdirSync(dirname(file)).toSorted();
  expect(kept).toEqual([1, 2, 3, 4].map((n) => `a.db.damaged-${n}`));
  expect(readFileSync(`${file}.damaged-4`, "utf8")).toBe("5");
});

it("begins anew beside a log that was left over when a setting aside was cut off", () => {
  const file = fileInFolder("a.db");
  const old = open(file);
  add(old, "old");
  writeFileSync(`${file}.copy-wal`, readFileSync(`${file}-wal`));
  old.close();
  setAside(file, silent);
  writeFileSync(`${file}-wal`, readFileSync(`${file}.copy-wal`));
  const database = open(file);
  expect(notes(database)).toEqual([]);
  database.close();
  expect(existsSync(file)).toBe(true);
});
