import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type AttackedSite, at, attackedSite, until, v } from "./site.ts";

/** Who answers for the time moves a site, or stops it, by what it says. */

const YEAR = 365 * 86_400_000;
const runs = (site: AttackedSite, greeting: string) =>
  until(
    () => site.greeting(),
    (seen) => seen === greeting,
    `${greeting} does not run`,
  );

it("an NTP answer of 2036 stops what is new while it lasts, and nothing after it", async () => {
  const site = await attackedSite();
  site.owner.publish(v(1));
  await site.assign(v(1), { expires: at(3_600_000) });
  await runs(site, "v1");
  site.clock.ahead = 10 * YEAR;
  site.owner.publish(v(2));
  await site.assign(v(2), { expires: at(3_600_000) });
  await until(
    () => site.refused(),
    (codes) => codes.includes("assignment"),
    "an assignment that ran out was taken",
  );
  expect(await site.greeting()).toBe("v1");
  site.clock.ahead = 0;
  site.owner.publish(v(3));
  await site.assign(v(3), { expires: at(3_600_000) });
  await runs(site, "v3");
});

it("a clock set back to 1970 is no synced clock: an assignment must name this start", async () => {
  const site = await attackedSite();
  site.owner.publish(v(1));
  await site.assign(v(1));
  await runs(site, "v1");
  site.clock.ahead = -Date.now();
  site.owner.publish(v(2));
  await site.assign(v(2));
  await until(
    () => site.refused(),
    (codes) => codes.includes("assignment"),
    "it was taken without a clock",
  );
  const boot = site.hub.reports.at(-1)?.boot ?? "";
  await site.assign(v(2), { boot });
  await runs(site, "v2");
});

it("a site with no clock at all is moved by its hub, which names its start", async () => {
  const site = await attackedSite({ synced: false });
  site.owner.publish(v(1));
  await site.assign(v(1));
  await until(
    () => site.refused(),
    (codes) => codes.includes("assignment"),
    "it was taken without a clock",
  );
  const hello = await until(
    () => site.hub.batches.at(-1)?.boot,
    (boot) => boot !== undefined,
    "the site does not say hello",
  );
  await site.assign(v(1), { boot: hello ?? "" });
  await runs(site, "v1");
  expect(readFileSync(`${site.dataDir}/report.key`, "utf8")).toContain("OPENSSH");
});
