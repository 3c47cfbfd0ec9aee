import { sqliteCache } from "../../../agent/cache/sqlite.ts";
import { die } from "../../support/die.ts";
import { hold, record, row, signed } from "./samples.ts";

/** Run as a program: `node killed.ts FILE PLACE`. Writes one transaction of three and kills itself at PLACE. */
const [file = "", place = ""] = process.argv.slice(2);

const cache = sqliteCache({
  file,
  journal: (effect, at) => {
    if (effect === "move" && at === place) die();
  },
});
cache.transaction("move", () => {
  cache.keepRecord(record(1, 1, signed("record")));
  if (place === "statements") die();
  cache.keepHold(hold("pos"));
  cache.keepInventory("pos", [row("a")]);
});
