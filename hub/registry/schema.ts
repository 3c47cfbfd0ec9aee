/**
 * The hub's database. A string in a module, because the hub ships as bundled files and reads none of its own at run time.
 * Released texts never change; a change is one more text in the list that `sqliteStore` passes. Runs, sites and sets are JSON:
 * they are read whole at the start, and each row is written whole.
 */
export const SCHEMA = `
CREATE TABLE meta (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  term INTEGER NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, 1);

CREATE TABLE lease (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch INTEGER NOT NULL,
  holder TEXT NOT NULL,
  boot TEXT NOT NULL,
  until INTEGER NOT NULL,
  ms INTEGER NOT NULL
) STRICT;
INSERT INTO lease VALUES (1, 0, '', '', 0, 0);

CREATE TABLE people (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE roots (
  number INTEGER PRIMARY KEY,
  body BLOB NOT NULL,
  signatures TEXT NOT NULL
) STRICT;

CREATE TABLE records (
  site TEXT PRIMARY KEY,
  root INTEGER NOT NULL,
  body BLOB NOT NULL,
  signatures TEXT NOT NULL
) STRICT;

CREATE TABLE sites (
  id TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The plan, which never changes, apart from what does.
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  plan TEXT NOT NULL
) STRICT;

-- Of the sites of a run those that are not any more as the plan began them, in the order in which they came.
CREATE TABLE run_sites (
  run TEXT NOT NULL,
  site TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (run, site)
) STRICT;

CREATE TABLE assignments (
  site TEXT PRIMARY KEY,
  body TEXT NOT NULL,
  assigned TEXT NOT NULL,
  frame BLOB NOT NULL,
  published INTEGER NOT NULL
) STRICT;

CREATE TABLE statuses (
  rollout TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE diffs (
  run TEXT NOT NULL,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, hash)
) STRICT;

CREATE TABLE rollouts (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  row INTEGER PRIMARY KEY,
  site TEXT NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (site, number)
) STRICT;
CREATE INDEX events_of_site ON events (site);
`;
