/** `skerry-hub token` with a journal that kills: `victim-token STORE ARGS...`. */
import { Command } from "commander";
import { sqliteStore } from "../../hub/registry/sqlite.ts";
import { tokenCommand } from "../../hub/token-command.ts";
import { mortalJournal } from "./mortal.ts";

const [file = "", ...args] = process.argv.slice(2);
const program = new Command("skerry-hub").exitOverride();
const journal = mortalJournal();
tokenCommand(program, () => sqliteStore({ file, journal }));
await program.parseAsync(["token", ...args], { from: "user" });
