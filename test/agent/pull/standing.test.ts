import { expect, it } from "vitest";
import { failed, hopeful, NEW_SOURCE, type Standing } from "../../../agent/pull/standing.ts";
import type { ErrorCode } from "../../../shared/errors.ts";

const POLL = 300_000;
/** Rests after so many failures in a row, in ms; `random` is the same each time. */
const rests = (code: ErrorCode, count: number, random: number): number[] => {
  const found: number[] = [];
  let standing: Standing = NEW_SOURCE;
  for (let index = 0; index < count; index += 1) {
    standing = failed(standing, { code, now: 1_000, random, pollMs: POLL });
    found.push(standing.restsUntil - 1_000);
  }
  return found;
};

it("rests a source that cannot be reached from a second up, doubling, to 16 polls", () => {
  expect(rests("unreachable", 4, 1)).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(rests("unreachable", 40, 1).at(-1)).toBe(16 * POLL);
  expect(rests("unreachable", 2, 0)).toEqual([500, 1_000]);
});

it("sets a source aside that has other bytes than were signed, for ten seconds at first", () => {
  for (const code of ["digest", "malformed", "too-large"] as const) {
    expect(failed(NEW_SOURCE, { code, now: 0, random: 1, pollMs: POLL })).toEqual({
      state: "set-aside",
      failures: 1,
      restsUntil: 10_000,
    });
  }
});

it("tries at once what could not be reached when the link comes back, and not what lied", () => {
  const away = failed(NEW_SOURCE, { code: "unreachable", now: 0, random: 1, pollMs: POLL });
  const liar = failed(NEW_SOURCE, { code: "digest", now: 0, random: 1, pollMs: POLL });
  expect(hopeful(away).restsUntil).toBe(0);
  expect(hopeful(liar)).toEqual(liar);
});
