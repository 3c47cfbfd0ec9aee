import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as z from "zod/mini";
import { type Decision, type OnDisk, target } from "../../../agent/target/target.ts";
import { readYaml } from "../../../shared/node/yaml.ts";
import { assignmentOf, attemptOf, BOOT, holdOf, NOW, version } from "./sample.ts";

const version_ = z.string().check(z.regex(/^v\d!?$/));
const cases = z.array(
  z.strictObject({
    case: z.string(),
    assigned: z.optional(
      z.string().check(z.regex(/^v\d!?(?: (?:back|retry|record 2|expired|this boot|other boot))*$/)),
    ),
    disk: z.optional(z.enum(["ready", "missing", "refused", "paced"])),
    site: z.optional(
      z.strictObject({
        runs: z.string(),
        committed: z.optional(z.union([version_, z.literal("none")])),
        previous: z.optional(version_),
        highest: z.optional(version_),
        failed: z.optional(z.array(version_)),
        record: z.optional(z.literal(2)),
      }),
    ),
    move: z.optional(
      z.strictObject({
        applied: z.optional(z.boolean()),
        refused: z.optional(z.boolean()),
        health: z.optional(z.enum(["healthy", "progressing", "failed"])),
        healthyFor: z.optional(z.string()),
        lasts: z.optional(z.string()),
        hold: z.optional(z.string()),
      }),
    ),
    clock: z.optional(z.enum(["synced", "unknown"])),
    does: z.string(),
  }),
);
type Case = z.infer<typeof cases>[number];

const file = "decisions.yaml";
const table = readYaml(readFileSync(new URL(`../../golden/target/${file}`, import.meta.url), "utf8"), file, cases);

it.each(table.map((entry): [string, Case] => [entry.case, entry]))("%s", (_title, entry) => {
  const decision = target({
    assignment: entry.assigned === undefined ? null : assignmentOf(entry.assigned),
    hold: entry.site === undefined ? null : holdOf(entry.site),
    onDisk: onDisk(entry),
    record: entry.site?.record ?? 1,
    attempt: attemptOf(entry.move ?? {}),
    clock: { now: NOW, synced: entry.clock !== "unknown" },
    boot: BOOT,
  });
  expect(inWords(decision)).toBe(entry.does);
});

it("no two cases have one name", () => {
  expect(new Set(table.map((entry) => entry.case)).size).toBe(table.length);
});

function onDisk({ assigned, disk }: Case): OnDisk | null {
  if (assigned === undefined || disk === "missing" || disk === "refused") return null;
  const { digest, version: name, pair, floor } = version(assigned.split(" ")[0] ?? "");
  const rushedUntil = disk === "paced" ? NOW + 1 : null;
  return { digest, version: name, pair, floor, rushedUntil };
}

function inWords(decision: Decision): string {
  switch (decision.do) {
    case "stay":
      return `stay, ${decision.because}`;
    case "start":
      return `start ${decision.state.version}, ${decision.because}`;
    case "give-up":
      return `give up, ${decision.code}`;
    default:
      return decision.do;
  }
}
