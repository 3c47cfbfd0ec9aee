import { AppError } from "../../shared/errors.ts";
import { milliseconds } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import type { Rollout, RolloutWave } from "../../shared/rollout.ts";
import { selects } from "../../shared/selector.ts";
import type { FleetMember } from "../registry/site.ts";
import { ineligibility } from "./eligible.ts";
import type { Left, Plan, PlannedWave, Target } from "./run.ts";
import { atLeast } from "./share.ts";
import { spreadOver } from "./spread.ts";
import { ownValues } from "./values.ts";
import { ZONE_LABEL, zoneOf } from "./window.ts";

/**
 * Resolves a rollout's selection, once. Within a wave's labels sites are taken in the order of a hash of the seed and their
 * id: the alphabet's first shops are not always the canaries, and a site that comes or goes moves at most one other over each
 * border between waves. A wave that is spread has of each combination of its labels what its share is.
 *
 * Throws `AppError` whose `where` is a JSON pointer into the rollout file: `schema` for a selection or a wave that matches no
 * site (but for one that takes all that remain), `record` or `floor` where no selected site may have the target.
 */
export function plan(spec: Rollout, target: Target, fleet: readonly FleetMember[], seed: string): Plan {
  const selected = fleet.filter((member) => selects(spec.sites, member.labels));
  if (selected.length === 0) {
    throw new AppError("schema", "selects no site of the fleet", { where: "/sites", fix: "correct the labels" });
  }
  const left = selected.flatMap((member): Left[] => {
    const because = ineligibility(member, target);
    return because === null ? [] : [{ site: member.id, ...because }];
  });
  const excluded = new Set(left.map((entry) => entry.site));
  const eligible = shuffled(
    selected.filter((member) => !excluded.has(member.id)),
    seed,
  );
  if (eligible.length === 0) throw nobodyMay(left, target);
  refuseWithoutZone(spec, eligible);
  const own = ownValues(spec, eligible);
  return {
    seed,
    waves: wavesOf(spec, eligible),
    left: left.toSorted((a, b) => (a.site < b.site ? -1 : 1)),
    doubly: doublyMatched(spec, eligible),
    ...(own.length > 0 && { own }),
  };
}

/** A window in no known zone never opens. */
function refuseWithoutZone(spec: Rollout, eligible: readonly FleetMember[]): void {
  const index = (spec.windows ?? []).findIndex(({ zone }) => zone === "site");
  if (index === -1) return;
  const without = eligible.filter(({ labels }) => zoneOf(labels) === undefined).map(({ id }) => id);
  if (without.length === 0) return;
  const named = `${without.toSorted().slice(0, 3).join(", ")}${without.length > 3 ? ` and ${without.length - 3} more` : ""}`;
  throw new AppError("schema", `of no time zone by the label ${ZONE_LABEL}: ${named}`, {
    where: `/windows/${index}/zone`,
    fix: `label them as in ${ZONE_LABEL}: Europe.Berlin, or name a zone for all here`,
  });
}

function shuffled(members: readonly FleetMember[], seed: string): FleetMember[] {
  return members
    .map((member) => {
      const key = sha256Hex(`${seed}\n${member.id}`);
      // Numbers are compared faster than texts; these are as many bits as one holds exactly.
      return { member, key, first: Number.parseInt(key.slice(0, 13), 16) };
    })
    .toSorted((a, b) => a.first - b.first || (a.key < b.key ? -1 : 1))
    .map(({ member }) => member);
}

function wavesOf(spec: Rollout, eligible: readonly FleetMember[]): PlannedWave[] {
  let remaining = eligible;
  const waves: PlannedWave[] = [];
  const open = (wave: Pick<RolloutWave, "name" | "soak" | "success">, members: readonly FleetMember[]) => {
    remaining = without(remaining, members);
    const sites = members.map((member) => member.id);
    waves.push({ name: wave.name, sites, soakSeconds: milliseconds(wave.soak) / 1000, success: wave.success });
  };
  for (const [index, wave] of spec.waves.entries()) {
    const members = membersOf(wave, index, remaining, eligible.length);
    const takesAll = wave.sites === undefined && wave.take === undefined && wave.upTo === undefined;
    if (members.length > 0) open(wave, members);
    else if (!takesAll) throw emptyWave(wave, index, eligible, remaining);
  }
  if (remaining.length > 0) open({ name: "rest", soak: "0", success: "100%" }, remaining);
  return waves;
}

/** Of members in one order, all but these, which are in the same. */
function without(members: readonly FleetMember[], taken: readonly FleetMember[]): FleetMember[] {
  let next = 0;
  return members.filter((member) => {
    if (member !== taken[next]) return true;
    next += 1;
    return false;
  });
}

function membersOf(
  wave: RolloutWave,
  index: number,
  remaining: readonly FleetMember[],
  all: number,
): readonly FleetMember[] {
  const { sites, take, upTo, spread = [] } = wave;
  const matching = sites === undefined ? remaining : remaining.filter((member) => selects(sites, member.labels));
  for (const [position, label] of spread.entries()) {
    if (matching.length === 0 || matching.some(({ labels }) => labels[label] !== undefined)) continue;
    throw new AppError("schema", `no site that wave ${wave.name} may take has the label ${label}`, {
      where: `/waves/${index}/spread/${position}`,
      fix: "correct the label",
    });
  }
  if (take !== undefined) return spreadOver(spread, matching, amountOf(take, matching.length));
  if (upTo === undefined) return matching;
  return spreadOver(spread, matching, Math.max(0, amountOf(upTo, all) - (all - remaining.length)));
}

function amountOf(amount: number | string, of: number): number {
  return typeof amount === "number" ? amount : atLeast(amount, of);
}

function doublyMatched(spec: Rollout, eligible: readonly FleetMember[]): Plan["doubly"] {
  const choosing = spec.waves.filter((wave) => wave.sites !== undefined);
  // Of fewer than two, none can match twice.
  if (choosing.length < 2) return [];
  return eligible
    .map((member) => ({
      site: member.id,
      waves: choosing
        .filter(({ sites }) => sites !== undefined && selects(sites, member.labels))
        .map((wave) => wave.name),
    }))
    .filter((entry) => entry.waves.length > 1)
    .toSorted((a, b) => (a.site < b.site ? -1 : 1));
}

function emptyWave(
  wave: RolloutWave,
  index: number,
  eligible: readonly FleetMember[],
  remaining: readonly FleetMember[],
): AppError {
  const { sites, upTo, name } = wave;
  const key = sites !== undefined ? "sites" : upTo !== undefined ? "upTo" : "take";
  const refuse = (what: string, at: string) =>
    new AppError("schema", what, { where: `/waves/${index}/${at}`, fix: "correct the wave, or take it out" });
  if (sites !== undefined && !eligible.some((member) => selects(sites, member.labels))) {
    return refuse(`wave ${name} matches no site that the rollout selects`, key);
  }
  const taken = eligible.length - remaining.length;
  if (upTo !== undefined && amountOf(upTo, eligible.length) <= taken) {
    return refuse(`wave ${name} has no site: earlier waves have ${taken} of ${eligible.length} already`, "upTo");
  }
  return refuse(`wave ${name} has no site: earlier waves take all that it could have`, key);
}

function nobodyMay(left: readonly Left[], target: Target): AppError {
  const first = left.find((entry) => entry.code === "floor");
  if (first === undefined) {
    return new AppError("record", `none of the ${left.length} selected sites may have the bundle ${target.bundle}`, {
      where: "/sites",
      fix: "list the bundle in the site records and sign them",
    });
  }
  return new AppError("floor", `no selected site may go to ${target.version}; ${first.site}: ${first.why}`, {
    where: "/version",
    fix: "to go back further than that, sign the old content as a new version",
  });
}
