import { expect, it } from "vitest";
import { AppError } from "../../shared/errors.ts";
import { seeded } from "../support/clock.ts";
import { type Target, targets } from "./fuzz-targets.ts";
import { fuzz, none } from "./fuzz-verify.ts";

it("takes or refuses each of 6,000 changed inputs", async () => {
  const all = targets();
  const tallies = new Map(all.map(({ name }) => [name, none()]));
  await fuzz(all, seeded(20261121), 6000, tallies, 20261121);
  expect([...tallies].filter(([, { refused }]) => refused === 0)).toEqual([]);
});

const planted = (run: () => unknown): Target => ({
  name: "planted",
  weight: 1,
  make: () => ({ run, show: () => "AAAA" }),
});
it.each([
  ["a crash", () => JSON.parse("{")],
  ["a fault", () => fail("internal")],
])("finds %s, and says with which seed and input", async (_title, run) => {
  const found = fuzz([planted(run)], seeded(1), 10, new Map(), 7);
  await expect(found).rejects.toThrow("seed 7: planted neither took nor refused AAAA");
});

it("passes over a refusal", async () => {
  await fuzz([planted(() => fail("malformed"))], seeded(1), 10, new Map(), 7);
});

function fail(code: "internal" | "malformed"): never {
  throw new AppError(code, "planted");
}
