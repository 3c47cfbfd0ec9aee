import { sqliteStore } from "../../../hub/registry/sqlite.ts";
import type { Notice } from "../../../hub/registry/store.ts";
import { die } from "../../support/die.ts";
import { writerOf } from "../../support/writer.ts";
import { everything, notice } from "./samples.ts";

/** Run as a program: `node killed.ts FILE PLACE`. Commits one of everything and kills itself at PLACE of the commit. */
const [file = "", place = ""] = process.argv.slice(2);

const store = sqliteStore({
  file,
  journal: (effect, at) => {
    if (effect === "store.everything" && at === place) die();
  },
});
const last: Notice = {
  ...notice("last"),
  // The batch is read while it is written, its notices at the end.
  get at() {
    if (place === "statements") die();
    return 1;
  },
};
await (await writerOf(store)).commit("everything", { ...everything, notices: [...(everything.notices ?? []), last] });
