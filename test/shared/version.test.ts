import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { AGENT_VERSION } from "../../agent/main.ts";
import { HUB_VERSION } from "../../hub/main.ts";
import { parseSemver } from "../../shared/semver.ts";
import { VERSION } from "../../shared/version.ts";

it("is one for the package and its programs, and can be compared", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect([VERSION, AGENT_VERSION, HUB_VERSION]).toEqual([version, version, version]);
  expect(parseSemver(VERSION)).not.toBeNull();
});
