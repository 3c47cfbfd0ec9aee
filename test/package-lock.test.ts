import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

interface Locked {
  optionalDependencies?: Record<string, string>;
}

/**
 * A registry that lacks a build for some platform makes `npm install` leave it out of the lock file, and then `npm ci` refuses the
 * file as out of step on every platform. So every optional dependency must have its entry, installed here or not.
 */
it("the lock file names every optional dependency, so that npm ci takes it", () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8")) as {
    packages: Record<string, Locked>;
  };
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    ),
  );
  expect(missing).toEqual([]);
});
