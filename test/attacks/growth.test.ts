import { join } from "node:path";
import { expect, it } from "vitest";
import { sqliteCache } from "../../agent/cache/sqlite.ts";
import { silent } from "../../shared/ports.ts";
import { attackedSite, until, v } from "./site.ts";

/** A hub whose assign key was stolen makes things up without end: nothing of it stays at the site. */

it("bundles that nobody ever published leave no trace once they are not assigned any more", {
  timeout: 30_000,
}, async () => {
  const site = await attackedSite();
  site.owner.publish(v(1));
  for (const each of [1, 2, 3]) {
    await site.assign(v(1), { bundle: `invented-${each}`, expires: "2026-01-01T00:00:00Z" });
    await until(
      () => site.events("refused").filter(({ bundle }) => bundle === `invented-${each}`).length,
      (told) => told > 0,
      "it was not refused",
    );
  }
  await site.assign(v(1));
  await until(
    () => site.item()?.state,
    (state) => state === "committed",
    "1.0.0 is not committed",
  );
  await site.stop();
  const cache = sqliteCache({ file: join(site.dataDir, "agent.db"), journal: silent });
  expect(cache.refusals()).toEqual([]);
  cache.close();
});
