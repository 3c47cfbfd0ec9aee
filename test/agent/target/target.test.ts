import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as z from "zod/mini";
import { type Decision, target } from "../../../agent/target/target.ts";
import { readYaml } from "../../../shared/node/yaml.ts";
import { adoptionOf, assignmentOf, attemptOf, DISKS, heldFor, holdOf, marksOf, NOW, onDisk, siteAt } from "./sample.ts";

const version = z.string().check(z.regex(/^v\d!?$/));
const cases = z.array(
  z.strictObject({
    case: z.string(),
    assigned: z.optional(
      z.string().check(z.regex(/^v\d!?(?: (?:back|retry|ended|record 2|expired|this boot|other boot|tomorrow))*$/)),
    ),
    adopts: z.optional(version),
    disk: z.optional(z.enum(DISKS)),
    from: z.optional(version),
    lacks: z.optional(z.string()),
    claimed: z.optional(z.enum(["firm", "passing"])),
    site: z.optional(
      z.strictObject({
        runs: z.string(),
        committed: z.optional(z.union([version, z.literal("none")])),
        previous: z.optional(version),
        highest: z.optional(version),
        failed: z.optional(z.array(version)),
        passed: z.optional(version),
        record: z.optional(z.enum(["newer", "none", "retired"])),
        marks: z.optional(z.literal("unread")),
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
        broken: z.optional(z.boolean()),
        asks: z.optional(z.boolean()),
        passed: z.optional(z.boolean()),
      }),
    ),
    held: z.optional(z.string().check(z.regex(/^(?:unknown|\d+[smh])$/))),
    atMost: z.optional(z.string().check(z.regex(/^\d+[smh]$/))),
    clock: z.optional(z.enum(["synced", "unknown", "unknown, later than all of it"])),
    does: z.string(),
  }),
);
type Case = z.infer<typeof cases>[number];

const file = "decisions.yaml";
const table = readYaml(readFileSync(new URL(`../../golden/target/${file}`, import.meta.url), "utf8"), file, cases);

it.each(table.map((entry): [string, Case] => [entry.case, entry]))("%s", (_title, entry) => {
  expect(inWords(target(inputOf(entry)))).toBe(entry.does);
});

it("no two cases have one name", () => {
  expect(new Set(table.map((entry) => entry.case)).size).toBe(table.length);
});

function inputOf({
  assigned,
  adopts,
  disk,
  from,
  lacks,
  claimed,
  site,
  move,
  held,
  atMost,
  clock,
}: Case): Parameters<typeof target>[0] {
  const ready = onDisk(assigned?.split(" ")[0] ?? adopts ?? "v1", disk, { from, lacks, claimed, holdAtMost: atMost });
  const number = site?.record === "newer" ? 2 : 1;
  const recordHere = assigned?.includes("record 2") !== true || number === 2;
  const retired = site?.record === "retired";
  // What has passed for certain; with an unknown clock mostly nothing.
  const now =
    clock === "unknown" ? 0 : clock === undefined || clock === "synced" ? NOW : Date.parse("2027-01-01T00:00:00Z");
  return {
    ...siteAt(),
    held: held === undefined || held === "unknown" ? (held ?? null) : heldFor(held),
    wanted:
      assigned !== undefined
        ? assignmentOf(assigned, ready, recordHere)
        : adopts !== undefined
          ? adoptionOf(ready)
          : null,
    hold: site === undefined || site.runs === "nothing" ? null : holdOf(site),
    marks: site === undefined ? null : marksOf(site),
    marksKnown: site?.marks !== "unread",
    record: site?.record === "none" ? null : { number, retired },
    attempt: attemptOf(move ?? {}),
    time: { now, synced: clock === undefined || clock === "synced" },
  };
}

function inWords(decision: Decision): string {
  switch (decision.do) {
    case "stay":
      return `stay, ${decision.because}${decision.code === null ? "" : `: refused, ${decision.code}`}`;
    case "start":
      return `start ${decision.state.version}, ${decision.because}`;
    case "give-up":
      return `give up, ${decision.code}${decision.asks ? ", and ask" : ""}`;
    default:
      return decision.do;
  }
}
