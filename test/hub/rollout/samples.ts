import type { FleetMember } from "../../../hub/registry/site.ts";
import type { Away, Some } from "../../../hub/rollout/because.ts";
import type { Target } from "../../../hub/rollout/run.ts";
import type { Labels, Values } from "../../../shared/names.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { parseAs } from "../../../shared/parse.ts";
import { valuesHash } from "../../../shared/render/values.ts";
import type { Report, ReportItem } from "../../../shared/report.ts";
import { type Outcome, type Rollout, rolloutFile, withDefaults } from "../../../shared/rollout.ts";

/** Versions are numbered: number 2 is 1.2.0, pair 1.2, and lets a site go back to 1.1. */
export function targetOf(number: number, given: Values = {}): Target {
  const floor = Math.max(1, number - 1);
  return {
    bundle: "pos",
    version: `1.${number}.0`,
    digest: digestOf(number),
    pair: [1, number],
    floor: [1, floor],
    given,
    values: valuesHash(given),
  };
}

export function digestOf(number: number): string {
  return sha256Hex(new TextEncoder().encode(`version ${number}`));
}

export function specOf(more: object = {}): Rollout {
  const file = { kind: "Rollout/v1", bundle: "pos", version: "1.2.0", sites: {}, ...more };
  return withDefaults(parseAs(rolloutFile, file, "rollouts/pos.yaml"));
}

export function memberOf(id: string, labels: Labels = {}, more: Partial<FleetMember> = {}): FleetMember {
  const site = {
    id,
    boot: "00000000000000aa",
    agent: "0.1.0",
    heardAt: 0,
    presence: "unknown",
    report: null,
    event: 0,
  } as const;
  return { id, labels, record: 1, bundles: ["pos"], floors: {}, site, assigned: {}, ...more };
}

/** As reasons name sites. */
export function some(outcome: Outcome, ...sites: string[]): Some {
  return { count: sites.length, first: sites.map((site) => ({ site, outcome, code: null })) };
}

export const NOBODY_AWAY: Away = { offline: some("offline"), held: some("held"), deferred: some("deferred") };

/** A full report about the bundle `pos`. */
export function reportOf(item: Partial<ReportItem>, assignment: [number, number] | undefined): Report {
  return {
    number: 1,
    boot: "00000000000000aa",
    ...(assignment === undefined ? {} : { assignment }),
    root: 1,
    record: 1,
    at: "2026-01-01T00:00:00Z",
    synced: true,
    items: [
      {
        bundle: "pos",
        digest: digestOf(1).slice(0, 32),
        values: "",
        record: 1,
        state: "committed",
        since: "2026-01-01T00:00:00Z",
        healthyFor: 0,
        ...item,
      },
    ],
  };
}

export function heard(member: FleetMember, report: Report, at: number): FleetMember {
  return { ...member, site: { ...member.site, heardAt: at, report: { body: report, at } } };
}
