import type { Pair } from "../../shared/names.ts";
import type { Database } from "../../shared/node/sqlite.ts";
import { bytesOf, type SignedRow, signedColumns, signedOf, upsert } from "../../shared/node/sqlite-row.ts";
import type { Cache, Refusal, StoredRecord, StoredVersion } from "./cache.ts";

type Content = Pick<
  Cache,
  | "roots"
  | "keepRoot"
  | "record"
  | "recordAt"
  | "keepRecord"
  | "dropRecordsBut"
  | "head"
  | "keepHead"
  | "seen"
  | "keepSeen"
  | "versions"
  | "manifest"
  | "keepManifest"
  | "completeVersion"
  | "dropVersion"
  | "hasBlob"
  | "blob"
  | "keepBlob"
  | "refusals"
  | "keepRefusal"
  | "dropRefusal"
>;

interface RecordRow extends SignedRow {
  number: number;
  root: number;
}

interface VersionRow {
  digest: string;
  bundle: string;
  version: string;
  epoch: number;
  seq: number;
  floor_epoch: number;
  floor_seq: number;
  root: number;
  files: string;
  complete: number;
}

const ROOT = upsert("roots", ["number"], ["body", "signatures"]);
const RECORD = upsert("records", ["number"], ["root", "body", "signatures"]);
const DROP_RECORDS = `
  DELETE FROM records
  WHERE number <> (SELECT max(number) FROM records) AND number NOT IN (SELECT value FROM json_each(?))`;
const HEAD = upsert("head", ["only"], ["body", "signatures"]);
const SEEN = upsert("seen", ["source"], ["heads"]);
const MANIFEST = upsert(
  "versions",
  ["digest"],
  ["bundle", "version", "epoch", "seq", "floor_epoch", "floor_seq", "root", "files", "complete", "body", "signatures"],
);
// Replaces what is there: a blob that went bad on the disk is fetched and kept again.
const BLOB = upsert("blobs", ["sha256"], ["bytes"]);
const REFUSAL = upsert("refusals", ["bundle", "id"], ["body"]);
// Only blobs that this version names: others may be on their way in for a version that is not accepted yet.
const DROP_BLOBS = `
  DELETE FROM blobs
  WHERE sha256 IN (SELECT value FROM versions, json_each(versions.files) WHERE digest = ?)
    AND sha256 NOT IN (SELECT value FROM versions, json_each(versions.files) WHERE digest <> ?)`;

/** Documents and bundles as they came, and what was refused. */
export function content(database: Database): Content {
  const { get, all, run, transaction } = database;
  return {
    roots: () => all<SignedRow>("SELECT body, signatures FROM roots ORDER BY number").map(signedOf),
    keepRoot: (number, document) => {
      transaction("cache.keepRoot", () => run(ROOT, number, ...signedColumns(document)));
    },
    record: () => {
      const row = get<RecordRow>("SELECT number, root, body, signatures FROM records ORDER BY number DESC LIMIT 1");
      return row === undefined ? null : recordOf(row);
    },
    recordAt: (number) => {
      const row = get<RecordRow>("SELECT number, root, body, signatures FROM records WHERE number = ?", number);
      return row === undefined ? null : recordOf(row);
    },
    keepRecord: ({ number, root, document }) => {
      transaction("cache.keepRecord", () => run(RECORD, number, root, ...signedColumns(document)));
    },
    dropRecordsBut: (needed) => {
      transaction("cache.dropRecordsBut", () => run(DROP_RECORDS, JSON.stringify([...needed])));
    },
    head: () => {
      const row = get<SignedRow>("SELECT body, signatures FROM head");
      return row === undefined ? null : signedOf(row);
    },
    keepHead: (document) => {
      transaction("cache.keepHead", () => run(HEAD, 1, ...signedColumns(document)));
    },
    seen: (source) => {
      const row = get<{ heads: string }>("SELECT heads FROM seen WHERE source = ?", source);
      return new Map(row === undefined ? [] : (JSON.parse(row.heads) as [string, string][]));
    },
    keepSeen: (source, heads) => {
      transaction("cache.keepSeen", () => run(SEEN, source, JSON.stringify([...heads])));
    },

    versions: () =>
      all<VersionRow>(
        `SELECT digest, bundle, version, epoch, seq, floor_epoch, floor_seq, root, files, complete FROM versions
         ORDER BY bundle, epoch, seq, digest`,
      ).map(versionOf),
    manifest: (digest) => {
      const row = get<SignedRow>("SELECT body, signatures FROM versions WHERE digest = ?", digest);
      return row === undefined ? null : signedOf(row);
    },
    keepManifest: (version, document) => {
      transaction("cache.keepManifest", () =>
        run(
          MANIFEST,
          version.digest,
          version.bundle,
          version.version,
          ...version.pair,
          ...version.floor,
          version.root,
          JSON.stringify(version.files),
          Number(version.complete),
          ...signedColumns(document),
        ),
      );
    },
    completeVersion: (digest) => {
      transaction("cache.completeVersion", () =>
        run("UPDATE versions SET complete = 1 WHERE digest = ? AND complete = 0", digest),
      );
    },
    dropVersion: (digest) => {
      transaction("cache.dropVersion", () => {
        run(DROP_BLOBS, digest, digest);
        run("DELETE FROM versions WHERE digest = ?", digest);
      });
    },

    hasBlob: (sha256) => get("SELECT 1 FROM blobs WHERE sha256 = ?", sha256) !== undefined,
    blob: (sha256) => {
      const row = get<{ bytes: Buffer }>("SELECT bytes FROM blobs WHERE sha256 = ?", sha256);
      return row === undefined ? null : bytesOf(row.bytes);
    },
    keepBlob: (sha256, bytes) => {
      transaction("cache.keepBlob", () => run(BLOB, sha256, bytes));
    },

    refusals: () =>
      all<{ body: string }>("SELECT body FROM refusals ORDER BY bundle, id").map(
        ({ body }): Refusal => JSON.parse(body),
      ),
    keepRefusal: (refusal) => {
      transaction("cache.keepRefusal", () => run(REFUSAL, refusal.bundle, refusal.id, JSON.stringify(refusal)));
    },
    dropRefusal: (bundle, id) => {
      transaction("cache.dropRefusal", () => run("DELETE FROM refusals WHERE bundle = ? AND id = ?", bundle, id));
    },
  };
}

function recordOf(row: RecordRow): StoredRecord {
  return { number: row.number, root: row.root, document: signedOf(row) };
}

function versionOf(row: VersionRow): StoredVersion {
  const pair: Pair = [row.epoch, row.seq];
  const floor: Pair = [row.floor_epoch, row.floor_seq];
  const files: string[] = JSON.parse(row.files);
  const { digest, bundle, version, root } = row;
  return { bundle, version, digest, pair, floor, root, files, complete: row.complete === 1 };
}
