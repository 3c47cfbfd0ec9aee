import { rfc3339 } from "../../shared/names.ts";
import type { FleetExport } from "../api/fleet-export.ts";
import type { FleetMember } from "../registry/site.ts";

/** A site as the plan sees it, out of an export: nobody signed that, and a plan is no more than a look ahead. */
export function memberOf({ runs, barred, sets, ...site }: FleetExport["sites"][number], at: number): FleetMember {
  const boot = "0".repeat(16);
  const since = rfc3339(at);
  const settled = { values: "", record: 1, state: "committed", since, healthyFor: 0 } as const;
  const items = runs.map((item) => ({ ...settled, ...item }));
  const body = { number: 1, boot, root: 1, record: 1, at: since, synced: true, items };
  return {
    ...site,
    ...(barred !== undefined && { barred }),
    ...(sets !== undefined && { sets }),
    record: 1,
    site: {
      id: site.id,
      boot,
      agent: null,
      heardAt: at,
      presence: "unknown",
      report: { body, at },
      event: 0,
    },
    assigned: {},
  };
}
