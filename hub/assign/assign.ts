import type { AssignmentSet } from "../../shared/assignment.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { Assigned, FleetMember } from "../registry/site.ts";
import type { SiteAssignment } from "../registry/store.ts";
import type { Effect, Run } from "../rollout/run.ts";
import { type Entries, entriesAfter } from "./items.ts";

export interface AssignInput {
  /** The sets that are stored, by site. */
  current: ReadonlyMap<string, Pick<SiteAssignment, "set" | "assigned">>;
  effects: readonly Effect[];
  /** Sites beside those of the effects whose sets may have to be replaced; left out: all of the fleet. */
  concerned?: Iterable<string>;
  /** Every run the hub still knows, by id: also the ones that are over, to which a site may be given back. */
  runs: ReadonlyMap<string, Run>;
  fleet: ReadonlyMap<string, FleetMember>;
  fleetName: string;
  term: number;
  /** Number of the newest root held. */
  rootNumber: number;
  /** Milliseconds. */
  now: number;
  /** How long a set is good for, milliseconds; it is issued anew after half of that. */
  lifetimeMs: number;
}

/** A set before it is signed and framed. */
export interface ChangedSet {
  site: string;
  set: AssignmentSet;
  assigned: Readonly<Record<string, Assigned>>;
}

/**
 * The sets that must be replaced, each whole and numbered one higher: because an effect or the end of a wave changed its items, or
 * because it names an older term or root, will expire, or echoes another boot than that of a site without a sure clock.
 * A site that is no longer in the fleet is left alone: nothing may be said to it.
 */
export function assignmentSets(input: AssignInput): ChangedSet[] {
  const effects = bySite(input.effects);
  const sites = new Set(input.concerned === undefined ? input.fleet.keys() : [...effects.keys(), ...input.concerned]);
  return [...sites].flatMap((id) => {
    const member = input.fleet.get(id);
    if (member === undefined || !(input.current.has(id) || effects.has(id))) return [];
    const stored = input.current.get(member.id);
    const number = (stored?.set.number ?? 0) + 1;
    const before: Entries = { items: stored?.set.items ?? [], assigned: stored?.assigned ?? {} };
    const moment = { runs: input.runs, introduced: [input.term, number] as const, now: input.now };
    const after = entriesAfter(before, effects.get(member.id) ?? [], member, moment);
    const boot = bootToEcho(member);
    if (after === before && (stored === undefined || !isStale(stored.set, boot, input))) return [];
    const set: AssignmentSet = {
      fleet: input.fleetName,
      site: member.id,
      term: input.term,
      number,
      root: input.rootNumber,
      ...(boot === null ? {} : { boot }),
      expires: rfc3339(input.now + input.lifetimeMs),
      items: [...after.items],
    };
    return [{ site: member.id, set, assigned: after.assigned }];
  });
}

function bySite(effects: readonly Effect[]): ReadonlyMap<string, Effect[]> {
  const found = new Map<string, Effect[]>();
  for (const effect of effects) {
    if (effect.kind === "notice") continue;
    found.set(effect.site, [...(found.get(effect.site) ?? []), effect]);
  }
  return found;
}

function isStale(set: AssignmentSet, boot: string | null, input: AssignInput): boolean {
  const expired = Date.parse(set.expires) - input.now < input.lifetimeMs / 2;
  return expired || set.term < input.term || set.root < input.rootNumber || (boot !== null && set.boot !== boot);
}

/** A site whose clock is not known to be right cannot judge `expires`; the nonce of its present boot says that the set is new. */
function bootToEcho({ site }: FleetMember): string | null {
  return site.report?.body.synced === true ? null : site.boot;
}
