import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as z from "zod/mini";
import { type Preparation, type PrepareInput, preparation } from "../../../agent/target/prepare.ts";
import { milliseconds } from "../../../shared/names.ts";
import { readYaml } from "../../../shared/node/yaml.ts";
import { assignmentOf, DISKS, holdOf, marksOf, NOW, onDisk, siteAt, version } from "./sample.ts";

const name = z.string().check(z.regex(/^v\d!?$/));
const cases = z.array(
  z.strictObject({
    case: z.string(),
    prepares: z.string().check(z.regex(/^v\d!?(?: (?:back|retry|record 2|expired|tomorrow))*$/)),
    disk: z.optional(z.enum(DISKS)),
    from: z.optional(name),
    lacks: z.optional(z.string()),
    found: z.optional(z.string().check(z.regex(/^v\d (?:ready|not)(?: drifted)?(?: \d+m)?$/))),
    seen: z.optional(z.enum(["no", "resting"])),
    site: z.optional(
      z.strictObject({
        runs: z.string(),
        committed: z.optional(name),
        failed: z.optional(z.array(name)),
        record: z.optional(z.enum(["newer", "none", "retired"])),
        marks: z.optional(z.literal("unread")),
      }),
    ),
    does: z.string(),
  }),
);
type Case = z.infer<typeof cases>[number];

const file = "preparations.yaml";
const table = readYaml(readFileSync(new URL(`../../golden/target/${file}`, import.meta.url), "utf8"), file, cases);

it.each(table.map((entry): [string, Case] => [entry.case, entry]))("%s", (_title, entry) => {
  const does = preparation(inputOf(entry));
  expect(inWords(does)).toBe(entry.does);
  // What is due already would be looked at without end.
  if ("until" in does && does.until !== null) expect(does.until).toBeGreaterThan(NOW);
});

it("no two cases have one name", () => {
  expect(new Set(table.map((entry) => entry.case)).size).toBe(table.length);
});

function inputOf({ prepares, disk, from, lacks, found, seen, site }: Case): PrepareInput {
  const ready = onDisk(prepares.split(" ")[0] ?? "", disk, { from, lacks });
  const number = site?.record === "newer" ? 2 : 1;
  const recordHere = !prepares.includes("record 2") || number === 2;
  return {
    ...siteAt(),
    wanted: assignmentOf(prepares, ready, recordHere),
    refused: disk === "refused" ? { code: "digest", words: "bytes that are not the signed ones" } : null,
    last: found === undefined ? null : rehearsed(found),
    basis: seen === "no" ? null : "as it is now",
    now: NOW,
    resting: seen === "resting",
    hold: site === undefined || site.runs === "nothing" ? null : holdOf(site),
    marks: site === undefined || site.runs === "nothing" ? null : marksOf(site),
    marksKnown: site?.marks !== "unread",
    record: site?.record === "none" ? null : { number, retired: site?.record === "retired" },
  };
}

function rehearsed(words: string): PrepareInput["last"] {
  const [name = "", result, ...rest] = words.split(" ");
  const { digest, values, record } = version(name);
  const age = rest.find((word) => word.endsWith("m")) ?? "0";
  const basis = rest.includes("drifted") ? "as it was" : "as it is now";
  return { digest, values, record, basis, at: NOW - milliseconds(age), ready: result === "ready" };
}

function inWords(does: Preparation): string {
  if (does.do === "refuse") return `refuse, ${does.code}`;
  return "because" in does ? `${does.do}, ${does.because}` : does.do;
}
