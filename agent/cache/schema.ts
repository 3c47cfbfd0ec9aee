/**
 * The agent's database. A string in a module and not a .sql file, because the agent ships as one bundled file and reads
 * none of its own at run time, and Node runs the same sources without a build.
 * Released texts never change; a change is one more text in the list that `sqliteCache` passes.
 * Tables `head`, `held`, `assignment`, `floor_time` and `counters` hold one row.
 * Blobs are stored raw: they are verified as raw bytes, and unpacking would cost a small machine memory at every start.
 */
export const SCHEMA = `
CREATE TABLE roots (
  number INTEGER PRIMARY KEY,
  body BLOB NOT NULL,
  signatures TEXT NOT NULL
) STRICT;

CREATE TABLE records (
  number INTEGER PRIMARY KEY,
  root INTEGER NOT NULL,
  body BLOB NOT NULL,
  signatures TEXT NOT NULL
) STRICT;

CREATE TABLE head (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  body BLOB NOT NULL,
  signatures TEXT NOT NULL
) STRICT;

CREATE TABLE seen (
  source TEXT PRIMARY KEY,
  heads TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
  digest TEXT PRIMARY KEY,
  bundle TEXT NOT NULL,
  version TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  floor_epoch INTEGER NOT NULL,
  floor_seq INTEGER NOT NULL,
  root INTEGER NOT NULL,
  files TEXT NOT NULL,
  complete INTEGER NOT NULL,
  body BLOB NOT NULL,
  signatures TEXT NOT NULL
) STRICT;

CREATE TABLE blobs (
  sha256 TEXT PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE refusals (
  bundle TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (bundle, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
  bundle TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE adoptions (
  bundle TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE held (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  body TEXT NOT NULL
) STRICT;

CREATE TABLE prepared (
  bundle TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (
  bundle TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  floor_epoch INTEGER NOT NULL,
  floor_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE floor_time (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  at INTEGER NOT NULL
) STRICT;
INSERT INTO floor_time VALUES (1, 0);

CREATE TABLE inventory (
  bundle TEXT NOT NULL,
  api_version TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  uid TEXT,
  desired TEXT NOT NULL,
  fields TEXT,
  live TEXT,
  state TEXT NOT NULL,
  PRIMARY KEY (bundle, api_version, kind, namespace, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE assignment (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  term INTEGER NOT NULL,
  number INTEGER NOT NULL,
  key TEXT NOT NULL,
  frame BLOB NOT NULL
) STRICT;

CREATE TABLE counters (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  report INTEGER NOT NULL,
  report_acked INTEGER NOT NULL,
  event INTEGER NOT NULL,
  event_acked INTEGER NOT NULL,
  acked BLOB,
  heard_at INTEGER
) STRICT;
INSERT INTO counters VALUES (1, 0, 0, 0, 0, NULL, NULL);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  number INTEGER UNIQUE,
  body TEXT NOT NULL
) STRICT;
`;
