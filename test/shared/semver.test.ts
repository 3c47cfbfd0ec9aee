import { expect, it } from "vitest";
import { compareSemver, parseSemver, type Semver } from "../../shared/semver.ts";

function parsed(text: string): Semver {
  const found = parseSemver(text);
  if (found === null) throw new Error(`${text} is no version`);
  return found;
}

/** The order of semver.org, sections 11.2 and 11.4, and numbers that are larger than JavaScript's. */
const RISING = [
  "0.0.1",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.9",
  "1.0.10",
  "1.2.0",
  "2.0.0",
  "10.0.0",
  "99999999999999999998.0.0",
  "99999999999999999999.0.0",
];

it("orders versions as semver.org does", () => {
  for (const [i, a] of RISING.entries()) {
    for (const [j, b] of RISING.entries()) {
      expect(Math.sign(compareSemver(parsed(a), parsed(b))), `${a} to ${b}`).toBe(Math.sign(i - j));
    }
  }
});

it("does not count build metadata", () => {
  expect(compareSemver(parsed("1.0.0+a"), parsed("1.0.0+b.2"))).toBe(0);
});

it.each([
  "1",
  "1.2",
  "01.2.3",
  "1.2.03",
  "1.2.3-",
  "1.2.3-01",
  "1.2.3+",
  "v1.2.3",
  "1.2.3.4",
  "1.2.3-a..b",
  "",
  "1.2.3\n",
])("%j is no semantic version", (text) => {
  expect(parseSemver(text)).toBeNull();
});
