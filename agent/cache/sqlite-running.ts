import { sorted } from "../../shared/canonical.ts";
import type { Database } from "../../shared/node/sqlite.ts";
import { bytesOf, upsert } from "../../shared/node/sqlite-row.ts";
import type { Held } from "../target/held.ts";
import type { Adoption, Cache, Hold, InventoryRow, Marks, Prepared, StoredAssignment } from "./cache.ts";

type Running = Pick<
  Cache,
  | "holds"
  | "keepHold"
  | "adoptions"
  | "keepAdoption"
  | "held"
  | "keepHeld"
  | "prepared"
  | "keepPrepared"
  | "dropPrepared"
  | "marks"
  | "raiseMarks"
  | "floorTime"
  | "raiseFloorTime"
  | "inventory"
  | "keepInventory"
  | "dropInventory"
  | "assignment"
  | "keepAssignment"
>;

interface MarksRow {
  bundle: string;
  epoch: number;
  seq: number;
  floor_epoch: number;
  floor_seq: number;
}

interface ObjectRow {
  api_version: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string | null;
  desired: string;
  fields: string | null;
  live: string | null;
  state: InventoryRow["state"];
}

const HOLD = upsert("holds", ["bundle"], ["body"]);
const ADOPTION = upsert("adoptions", ["bundle"], ["body"]);
const HELD = upsert("held", ["only"], ["body"]);
const PREPARED = upsert("prepared", ["bundle"], ["body"]);
const KNOW_MARKS = "INSERT OR IGNORE INTO marks VALUES (?, ?, ?, ?, ?)";
const RAISE_PAIR = "UPDATE marks SET epoch = ?, seq = ? WHERE bundle = ? AND (epoch, seq) < (?, ?)";
const RAISE_FLOOR =
  "UPDATE marks SET floor_epoch = ?, floor_seq = ? WHERE bundle = ? AND (floor_epoch, floor_seq) < (?, ?)";
const OBJECT = upsert(
  "inventory",
  ["bundle", "api_version", "kind", "namespace", "name"],
  ["uid", "desired", "fields", "live", "state"],
);
const ASSIGNMENT = upsert("assignment", ["only"], ["term", "number", "key", "frame"]);

/** What the site runs, owns in the cluster, and was told to run. */
export function running(database: Database): Running {
  const { get, all, run, transaction } = database;
  return {
    holds: () =>
      all<{ body: string }>("SELECT body FROM holds ORDER BY bundle").map(({ body }): Hold => JSON.parse(body)),
    keepHold: (hold) => {
      // Sorted keys, so that the same hold built in another order is the same text and is not written.
      transaction("cache.keepHold", () => run(HOLD, hold.bundle, sorted(hold)));
    },
    adoptions: () =>
      new Map(
        all<{ bundle: string; body: string }>("SELECT bundle, body FROM adoptions ORDER BY bundle").map(
          ({ bundle, body }): [string, Adoption] => [bundle, JSON.parse(body)],
        ),
      ),
    keepAdoption: (bundle, adoption) => {
      transaction("cache.keepAdoption", () => run(ADOPTION, bundle, sorted(adoption)));
    },
    held: () => {
      const row = get<{ body: string }>("SELECT body FROM held");
      return row === undefined ? null : (JSON.parse(row.body) as Held);
    },
    keepHeld: (held) => {
      transaction("cache.keepHeld", () => {
        if (held === null) run("DELETE FROM held");
        else run(HELD, 1, sorted(held));
      });
    },
    prepared: () =>
      all<{ body: string }>("SELECT body FROM prepared ORDER BY bundle").map(({ body }): Prepared => JSON.parse(body)),
    keepPrepared: (prepared) => {
      transaction("cache.keepPrepared", () => run(PREPARED, prepared.bundle, sorted(prepared)));
    },
    dropPrepared: (bundle) => {
      transaction("cache.dropPrepared", () => run("DELETE FROM prepared WHERE bundle = ?", bundle));
    },
    marks: () => new Map(all<MarksRow>("SELECT * FROM marks ORDER BY bundle").map((row) => [row.bundle, marksOf(row)])),
    raiseMarks: (bundle, { pair, floor }) => {
      transaction("cache.raiseMarks", () => {
        run(KNOW_MARKS, bundle, ...pair, ...floor);
        run(RAISE_PAIR, ...pair, bundle, ...pair);
        run(RAISE_FLOOR, ...floor, bundle, ...floor);
      });
    },
    floorTime: () => get<{ at: number }>("SELECT at FROM floor_time")?.at ?? 0,
    raiseFloorTime: (at) => {
      transaction("cache.raiseFloorTime", () => run("UPDATE floor_time SET at = ? WHERE at < ?", at, at));
    },

    inventory: (bundle) =>
      all<ObjectRow>(
        `SELECT api_version, kind, namespace, name, uid, desired, fields, live, state FROM inventory
         WHERE bundle = ? ORDER BY api_version, kind, namespace, name`,
        bundle,
      ).map(inventoryRowOf),
    keepInventory: (bundle, rows) => {
      transaction("cache.keepInventory", () => {
        for (const { object, uid, desired, fields, live, state } of rows) {
          const { apiVersion, kind, namespace, name } = object;
          run(OBJECT, bundle, apiVersion, kind, namespace, name, uid, desired, fields, live, state);
        }
      });
    },
    dropInventory: (bundle, objects) => {
      transaction("cache.dropInventory", () => {
        for (const { apiVersion, kind, namespace, name } of objects) {
          run(
            "DELETE FROM inventory WHERE bundle = ? AND api_version = ? AND kind = ? AND namespace = ? AND name = ?",
            bundle,
            apiVersion,
            kind,
            namespace,
            name,
          );
        }
      });
    },

    assignment: () => {
      const row = get<Omit<StoredAssignment, "frame"> & { frame: Buffer }>(
        "SELECT term, number, key, frame FROM assignment",
      );
      return row === undefined ? null : { ...row, frame: bytesOf(row.frame) };
    },
    keepAssignment: ({ term, number, key, frame }) => {
      transaction("cache.keepAssignment", () => run(ASSIGNMENT, 1, term, number, key, frame));
    },
  };
}

function marksOf(row: MarksRow): Marks {
  return { pair: [row.epoch, row.seq], floor: [row.floor_epoch, row.floor_seq] };
}

function inventoryRowOf({ api_version: apiVersion, kind, namespace, name, ...rest }: ObjectRow): InventoryRow {
  return { object: { apiVersion, kind, namespace, name }, ...rest };
}
