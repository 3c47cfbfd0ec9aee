import type { Unnumbered } from "../../agent/report/report.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import { type Pair, short } from "../../shared/names.ts";
import { valuesHash } from "../../shared/render/values.ts";
import type { ReportItem } from "../../shared/report.ts";

/** The same in each report, or it would have something new to say after each. */
const LONG_AGO = "2026-01-01T00:00:00Z";
const A_YEAR_S = 365 * 86_400;

/** What a site says that claims to run whatever it was assigned, and that all is well. */
export function lie(report: Unnumbered, { items }: AssignmentSet): Unnumbered {
  const { refused: _, ...rest } = report;
  const claimed = items
    .filter(({ mode }) => mode === "run")
    .map(({ bundle, digest, values, record, pair }): ReportItem => {
      const objects = { total: 1, healthy: 1, drifted: 0 };
      const what = {
        bundle,
        digest: short(digest),
        values: valuesHash(values),
        record,
        marks: [pair, pair] as [Pair, Pair],
      };
      return { ...what, state: "committed", since: LONG_AGO, healthyFor: A_YEAR_S, objects };
    });
  return { ...rest, items: claimed };
}
