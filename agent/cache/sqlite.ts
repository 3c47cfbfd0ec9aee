import { type Database, openDatabase, readDatabase } from "../../shared/node/sqlite.ts";
import type { Journal } from "../../shared/ports.ts";
import type { Cache } from "./cache.ts";
import { SCHEMA } from "./schema.ts";
import { content } from "./sqlite-content.ts";
import { outbox } from "./sqlite-outbox.ts";
import { running } from "./sqlite-running.ts";

/**
 * The cache in one SQLite file. A write outside a transaction is its own, named `cache.<method>` in the journal.
 * `begin` writes into one that did not exist, as it is made. Throws `storage`; where `isDamaged` says so, set the file aside, open again, and rebuild from cluster and sources.
 */
export function sqliteCache(options: { file: string; journal: Journal; begin?: (cache: Cache) => void }): Cache {
  const { begin, ...rest } = options;
  const start = begin === undefined ? {} : { begin: (database: Database) => begin(over(database)) };
  return over(openDatabase({ ...rest, ...start, migrations: MIGRATIONS }));
}

/** The same file beside the agent that writes it: every write throws `storage`. */
export function sqliteCacheToRead(file: string): Cache {
  return over(readDatabase({ file, migrations: MIGRATIONS }));
}

const MIGRATIONS = [SCHEMA];

function over(database: Database): Cache {
  return {
    transaction: database.transaction,
    ...content(database),
    ...running(database),
    ...outbox(database),
    close: database.close,
  };
}
