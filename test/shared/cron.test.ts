import { describe, expect, it } from "vitest";
import { type Cron, isZone, lastDue, parseCron } from "../../shared/cron.ts";

const WEEK = 7 * 86_400_000;

function cron(text: string): Cron {
  const found = parseCron(text);
  if (typeof found === "string") throw new Error(found);
  return found;
}

function due(text: string, zone: string, now: string, within = WEEK): string | null {
  const found = lastDue(cron(text), zone, Date.parse(now), within);
  return found === null ? null : new Date(found).toISOString().replace(".000Z", "Z");
}

describe("a cron line", () => {
  it.each([
    ["0 2 * *", "must have five fields, and has 4"],
    ["60 2 * * *", "its minute must be numbers from 0 to 59, ranges, lists or steps"],
    ["0 24 * * *", "its hour must be numbers from 0 to 23, ranges, lists or steps"],
    ["0 2 0 * *", "its day of month must be numbers from 1 to 31, ranges, lists or steps"],
    ["0 2 * JAN *", "its month must be numbers from 1 to 12, ranges, lists or steps"],
    ["0 2 * * 5-1", "its day of week must be numbers from 0 to 7, ranges, lists or steps"],
    ["*/0 2 * * *", "its minute must be numbers from 0 to 59, ranges, lists or steps"],
  ])("%s is refused", (text, words) => {
    expect(parseCron(text)).toBe(words);
  });

  it("has ranges, lists and steps", () => {
    const { minutes, hours, months } = cron("*/20 8-10,22 1-31/2 1,6 *");
    expect({ minutes, hours, months: [...months] }).toEqual({
      minutes: [0, 20, 40],
      hours: [8, 9, 10, 22],
      months: [1, 6],
    });
    expect(cron("5/20 * * * *").minutes).toEqual([5, 25, 45]);
  });

  it("is due on either day where both days are given, and 7 is Sunday", () => {
    const either = cron("0 0 13 * 5");
    expect([either.isDay(13, 1), either.isDay(1, 5), either.isDay(1, 1)]).toEqual([true, true, false]);
    expect(cron("0 0 * * 7").isDay(9, 0)).toBe(true);
    expect(cron("0 0 13 * *").isDay(14, 5)).toBe(false);
  });
});

describe("the last time it was due", () => {
  it.each([
    ["0 2 * * *", "UTC", "2026-03-03T02:00:00Z", "2026-03-03T02:00:00Z"],
    ["0 2 * * *", "UTC", "2026-03-03T01:59:59Z", "2026-03-02T02:00:00Z"],
    ["0 2 * * *", "Europe/Berlin", "2026-03-03T12:00:00Z", "2026-03-03T01:00:00Z"],
    ["0 2 * * *", "Asia/Kolkata", "2026-03-03T12:00:00Z", "2026-03-02T20:30:00Z"],
    ["0 2 * * *", "Pacific/Auckland", "2026-07-01T13:59:59Z", "2026-06-30T14:00:00Z"],
    ["0 22 * * 6", "America/New_York", "2026-03-02T12:00:00Z", "2026-03-01T03:00:00Z"],
    ["30 23 31 12 *", "UTC", "2027-01-02T00:00:00Z", "2026-12-31T23:30:00Z"],
    // The clocks of Berlin skip 02:00 to 03:00 on 29 March 2026, and go through it twice on 25 October.
    ["30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-28T01:30:00Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-03-30T06:00:00Z", "2026-03-30T00:30:00Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z"],
    ["30 2 * * *", "Europe/Berlin", "2026-10-26T01:30:00Z", "2026-10-26T01:30:00Z"],
    // New York skips 02:00 to 03:00 on 8 March 2026; Lord Howe's clocks move by half an hour.
    ["15 2 * * *", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"],
    ["15 2 * * *", "Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-03T15:30:00Z"],
  ])("%s in %s at %s is %s", (text, zone, now, expected) => {
    expect(due(text, zone, now)).toBe(expected);
  });

  it("is null where it lies too far back", () => {
    expect(due("0 2 1 1 *", "UTC", "2026-03-03T02:00:00Z")).toBeNull();
    expect(due("0 2 * * *", "UTC", "2026-03-03T05:00:01Z", 3 * 3_600_000)).toBeNull();
    expect(due("0 2 30 2 *", "UTC", "2026-03-03T05:00:00Z")).toBeNull();
  });
});

it("knows which words are time zones", () => {
  expect([isZone("Europe/Berlin"), isZone("UTC"), isZone("Europe/Atlantis"), isZone("")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
