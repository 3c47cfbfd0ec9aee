import { type Database, openDatabase, readDatabase } from "../../shared/node/sqlite.ts";
import type { Journal } from "../../shared/ports.ts";
import type { Cache } from "./cache.ts";
import { SCHEMA } from "./schema.ts";
import { content } from "./sqlite-content.ts";
import { outbox } from "./sqlite-outbox.ts";
import { running } from "./sqlite-running.ts";

/**
 * The cache in one SQLite file. A write outside a transaction is its own, named `cache.<method>` in the journal.
 * Throws `storage`; where `isDamaged` says so, set the file aside, open again, and rebuild from cluster and sources.
 */
export function sqliteCache(options: { file: string; journal: Journal }): Cache {
  return over(openDatabase({ ...options, migrations: MIGRATIONS }));
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
