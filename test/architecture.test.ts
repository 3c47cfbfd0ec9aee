import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { breaches, type Source, WHY } from "./support/import-rules.ts";

const ROOT = join(import.meta.dirname, "..");

function tree(): Source[] {
  const paths = globSync("{agent,hub,shared}/**/*.{ts,tsx}", { cwd: ROOT });
  return paths.map((path) => ({ path: path.replaceAll("\\", "/"), text: readFileSync(join(ROOT, path), "utf8") }));
}

describe("the tree", () => {
  it("breaks no import rule", () => {
    const found = breaches(tree()).map(({ path, rule, words }) => `${path}: ${words} (${rule}: ${WHY[rule]})`);
    expect(found).toEqual([]);
  });

  it("has files of a size that one sitting can take in", () => {
    const sizes = tree()
      .map(({ text }) => text.split("\n").length)
      .toSorted((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThan(120);
  });
});

/** One planted breach of each rule, in files that would be fine without it. */
const PLANTED: Readonly<Record<keyof typeof WHY, Source[]>> = {
  "two-programs": [{ path: "agent/plan/plan.ts", text: 'import type { Run } from "../../hub/rollout/run.ts";\n' }],
  "shared-alone": [
    { path: "shared/verify/root.ts", text: 'import type { Cache } from "../../agent/cache/cache.ts";\n' },
  ],
  "shared-top-is-browser-safe": [{ path: "shared/root.ts", text: 'import { sha256Hex } from "./node/sha256.ts";\n' }],
  "one-way": [{ path: "agent/plan/plan.ts", text: 'import type { Report } from "../report/report.ts";\n' }],
  "adapters-at-the-edge": [{ path: "agent/loop.ts", text: 'import { sqliteCache } from "./cache/sqlite.ts";\n' }],
  "pure-is-pure": [{ path: "hub/rollout/step.ts", text: "export const at = () => Date.now();\n" }],
  "ui-is-light": [{ path: "hub/ui/app.tsx", text: 'import type { Run } from "../rollout/run.ts";\n' }],
  "no-default-exports": [{ path: "agent/plan/plan.ts", text: "export default 1;\n" }],
  "no-barrels": [{ path: "agent/plan/index.ts", text: 'export * from "./plan.ts";\n' }],
  "no-cycles": [
    { path: "agent/plan/a.ts", text: 'import { b } from "./b.ts";\n' },
    { path: "agent/plan/b.ts", text: 'import { a } from "./a.ts";\n' },
  ],
  "small-files": [{ path: "agent/plan/plan.ts", text: "\n".repeat(301) }],
};

describe("a planted breach", () => {
  it.each(Object.entries(PLANTED))("of %s is found", (rule, sources) => {
    expect(breaches(sources).map((breach) => breach.rule)).toContain(rule);
  });

  it.each([
    ["a value of an earlier stage", "agent/plan/plan.ts", 'import { begin } from "../target/hold.ts";\n'],
    [
      "a value through a multi-line import",
      "agent/plan/plan.ts",
      'import {\n  begin,\n  type Hold,\n} from "../target/hold.ts";\n',
    ],
    ["wiring", "agent/plan/plan.ts", 'import type { Loop } from "../loop.ts";\n'],
    ["a lazy import of a later stage", "agent/plan/plan.ts", 'const late = () => import("../report/report.ts");\n'],
    [
      "a folder outside the flow that takes a value",
      "hub/broker/embedded.ts",
      'import { fold } from "../registry/fold.ts";\n',
    ],
  ])("of one-way is found: %s", (_title, path, text) => {
    expect(breaches([{ path, text }]).map((breach) => breach.rule)).toContain("one-way");
  });

  it.each([
    ["async", "export async function f() {}\n"],
    ["a timer", "setTimeout(() => {}, 1);\n"],
    ["randomness", "Math.random();\n"],
    ["a clock without arguments", "new Date();\n"],
    ["process", "process.exit();\n"],
    ["console", 'console.log("x");\n'],
    ["a Node module", 'import { x } from "node:fs";\n'],
  ])("of pure-is-pure is found: %s", (_title, text) => {
    expect(breaches([{ path: "shared/verify/root.ts", text }]).map((breach) => breach.rule)).toContain("pure-is-pure");
  });

  it("is not seen in what the rules allow", () => {
    const allowed: Source[] = [
      { path: "agent/plan/plan.ts", text: 'import type { Hold } from "../target/hold.ts";\n// Date.now() in words\n' },
      { path: "agent/report/report.ts", text: 'import type { Cache } from "../cache/cache.ts";\n' },
      { path: "agent/main.ts", text: 'import { sqliteCache } from "./cache/sqlite.ts";\n' },
      { path: "shared/render/render.ts", text: 'import { sha256Hex } from "../node/sha256.ts";\n' },
      { path: "hub/ui/app.tsx", text: 'import type { FleetView } from "../api/contract.ts";\n' },
    ];
    expect(breaches(allowed)).toEqual([]);
  });
});
