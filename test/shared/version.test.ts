import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseSemver } from "../../shared/semver.ts";
import { VERSION } from "../../shared/version.ts";

it("the programs have the version of the package", () => {
  const manifest = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  expect(VERSION).toBe(JSON.parse(manifest).version);
  expect(parseSemver(VERSION)).not.toBeNull();
});
