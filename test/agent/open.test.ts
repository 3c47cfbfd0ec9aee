import { writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { openCache } from "../../agent/open.ts";
import { silent } from "../../shared/ports.ts";
import { FakeClock } from "../support/clock.ts";
import { fileInFolder } from "../support/data-folder.ts";
import { mortal } from "./cycle/mortal.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

it("a damaged database is set aside and told of exactly once, wherever the agent is killed meanwhile", () => {
  const places: string[] = [];
  for (let point = 0, diedAt = "first"; diedAt !== ""; point += 1) {
    const file = fileInFolder("agent.db");
    writeFileSync(file, "this was a database once".repeat(400));
    const life = mortal();
    life.dieAfter(point);
    try {
      openCache(file, life.journal, quiet, new FakeClock(Date.parse("2026-11-21T08:00:00Z"))).close();
    } catch (error) {
      if (life.diedAt() === "") throw error;
    }
    diedAt = life.diedAt();
    places.push(diedAt);
    for (const start of ["next", "one more"]) {
      const cache = openCache(file, silent, quiet, new FakeClock(Date.parse("2026-11-21T08:00:00Z")));
      const told = cache.numberEvents(9).map(({ words }) => words);
      expect(told, `${diedAt}, ${start}`).toEqual([`a damaged database was set aside as ${file}.damaged-1`]);
      cache.close();
    }
  }
  expect(places).toEqual(
    expect.arrayContaining(["between database.aside", "after database.aside", "before database.migrate"]),
  );
});
