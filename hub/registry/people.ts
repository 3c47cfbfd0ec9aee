import { AppError } from "../../shared/errors.ts";
import type { Database } from "../../shared/node/sqlite.ts";
import type { Person } from "./store.ts";

/** People and their tokens, in SQLite. The events say who came and went. */

interface Row {
  body: string;
}

export function personOf({ get }: Database, hash: string): Person | null {
  const row = get<Row>("SELECT body FROM people WHERE hash = ?", hash);
  return row === undefined ? null : (JSON.parse(row.body) as Person);
}

export function allPeople({ all }: Database): Person[] {
  return all<Row>("SELECT body FROM people ORDER BY name").map(({ body }) => JSON.parse(body) as Person);
}

export function admitPerson({ get, run }: Database, person: Person): void {
  if (get("SELECT 1 FROM people WHERE name = ?", person.name) !== undefined) throw alreadyAdmitted(person.name);
  run("INSERT INTO people VALUES (?, ?, ?)", person.name, person.hash, JSON.stringify(person));
}

/** False where there is nobody of that name. */
export function dismissPerson({ get, run }: Database, name: string): boolean {
  if (get("SELECT 1 FROM people WHERE name = ?", name) === undefined) return false;
  run("DELETE FROM people WHERE name = ?", name);
  return true;
}

export function alreadyAdmitted(name: string): AppError {
  return new AppError("busy", `${name} has a token already`, {
    fix: `take it away first: \`skerry-hub token revoke ${name}\``,
  });
}
