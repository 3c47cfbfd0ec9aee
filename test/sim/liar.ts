import type { Unnumbered } from "../../agent/report/report.ts";
import type { AssignmentSet } from "../../shared/assignment.ts";
import { type Pair, short } from "../../shared/names.ts";
import { valuesHash } from "../../shared/render/values.ts";
import type { ReportItem } from "../../shared/report.ts";

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
      return { ...what, state: "committed", since: report.at, healthyFor: 86_400, objects };
    });
  return { ...rest, items: claimed };
}
