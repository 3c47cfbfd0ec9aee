import type { Assignment } from "../../shared/assignment.ts";
import { AppError } from "../../shared/errors.ts";
import { comparePairs, short } from "../../shared/names.ts";
import { isAbout, isSettled } from "../../shared/report.ts";
import type { Assigned, FleetMember } from "../registry/site.ts";
import type { Effect, Run, Target } from "../rollout/run.ts";

/** What a set says, and by bundle what brought it in. */
export interface Entries {
  items: readonly Assignment[];
  assigned: Readonly<Record<string, Assigned>>;
}

export interface Moment {
  runs: ReadonlyMap<string, Run>;
  /** Term and number of the set that a change would be part of. */
  introduced: readonly [term: number, number: number];
  now: number;
}

/**
 * The items of a site after these effects, sorted by bundle; `before` itself where nothing changes. Withdrawals come first,
 * so that a run that supersedes another may give in the same turn what the other takes back.
 */
export function entriesAfter(
  before: Entries,
  effects: readonly Effect[],
  member: FleetMember,
  moment: Moment,
): Entries {
  let entries = settled(withCadence(before, member.id, moment.runs), member, moment);
  for (const effect of effects) {
    if (effect.kind === "withdraw") entries = withdraw(entries, effect, member, moment);
    if (effect.kind === "end") entries = end(entries, effect, moment);
    if (effect.kind === "unprepare") entries = without(entries, effect);
  }
  for (const effect of effects) {
    if (effect.kind === "assign") entries = assign(entries, effect, member, moment);
    if (effect.kind === "prepare") entries = prepare(entries, effect, member, moment);
  }
  return entries;
}

/** By bundle: what the items have the site prepare; undefined where that is nothing. */
export function preparesOf(items: Entries["items"]): FleetMember["prepares"] {
  const found = items.filter(({ mode }) => mode === "prepare");
  return found.length === 0
    ? undefined
    : Object.fromEntries(
        found.map(({ bundle, run, record, retry }) => [bundle, { run, record, ...(retry === true && { retry }) }]),
      );
}

/** Whoever is asked first is asked once for each bundle; what runs goes on. */
function prepare(
  entries: Entries,
  { run: id, target, retry }: Extract<Effect, { kind: "prepare" }>,
  member: FleetMember,
  moment: Moment,
): Entries {
  const { reportEvery: _, ...rest } = itemFor(runFor(moment, id), target, member.id, member.record);
  const others = entries.items.filter(({ bundle, mode }) => bundle !== target.bundle || mode !== "prepare");
  return { ...entries, items: inOrder([...others, { ...rest, mode: "prepare", ...(retry && { retry }) }]) };
}

function without(entries: Entries, { bundle, run }: Pick<Effect & { kind: "unprepare" }, "bundle" | "run">): Entries {
  const items = entries.items.filter((item) => item.bundle !== bundle || item.mode !== "prepare" || item.run !== run);
  return items.length === entries.items.length ? entries : { ...entries, items };
}

function inOrder(items: readonly Assignment[]): Assignment[] {
  return items.toSorted((a, b) => (a.bundle === b.bundle ? (a.mode < b.mode ? -1 : 1) : a.bundle < b.bundle ? -1 : 1));
}

function runFor({ runs }: Moment, id: string): Run {
  const run = runs.get(id);
  if (run === undefined) throw new AppError("internal", `an effect of run ${id}, which is not known`);
  return run;
}

function assign(
  entries: Entries,
  effect: Extract<Effect, { kind: "assign" }>,
  member: FleetMember,
  moment: Moment,
): Entries {
  const { target, back, retry } = effect;
  const before = entries.assigned[effect.bundle];
  if (before?.run === effect.run && isState(before, target) && retry !== true) return entries;
  const item = itemFor(runFor(moment, effect.run), target, member.id, member.record);
  return put(entries, { ...item, ...(back && { back }), ...(retry === true && { retry }) }, target.values, moment);
}

/**
 * Nothing is to start any more: the site is given back what it settled on, so that one that lost its disk still learns what to
 * run; where no run that is known gave it that, the item goes, and absence changes nothing.
 */
function withdraw(
  entries: Entries,
  effect: Pick<Extract<Effect, { kind: "withdraw" }>, "bundle" | "run">,
  member: FleetMember,
  moment: Moment,
): Entries {
  const given = entries.assigned[effect.bundle];
  if (given?.run !== effect.run) return entries;
  const runs = member.site.report?.body.items.find((item) => item.bundle === effect.bundle && isSettled(item));
  const source = [...moment.runs.values()]
    .filter((run) => run.target.bundle === effect.bundle && run.sites.has(member.id))
    // Of a run that was sending the site back, its own target may be what the site runs.
    .filter((run) => run.id !== effect.run || !isState(given, run.target))
    .filter(({ target }) => short(target.digest) === runs?.digest && target.values === runs.values)
    .toSorted((a, b) => b.startedAt - a.startedAt)[0];
  if (runs === undefined || source === undefined) {
    const { [effect.bundle]: _, ...assigned } = entries.assigned;
    const items = entries.items.filter(({ bundle, mode }) => bundle !== effect.bundle || mode === "prepare");
    return { items, assigned };
  }
  return put(entries, itemFor(source, source.target, member.id, runs.record), source.target.values, moment);
}

/** Nothing of it begins any more. */
function end(entries: Entries, { bundle, run }: Extract<Effect, { kind: "end" }>, { introduced }: Moment): Entries {
  const given = entries.assigned[bundle];
  if (given?.run !== run) return entries;
  const items = entries.items.map((item) =>
    item.bundle === bundle && item.mode === "run" ? { ...item, ended: true } : item,
  );
  return { items, assigned: { ...entries.assigned, [bundle]: { ...given, ended: introduced } } };
}

/**
 * A site that knows that nothing of it begins any more, and moves no more, has it again where that is what it settled on: it may come
 * back to it after a lost disk. Where it settled on something else it is given that; so it is where a hub that was restored hears of it
 * after the run was over by what it knew.
 */
function settled(before: Entries, member: FleetMember, moment: Moment): Entries {
  const body = member.site.report?.body;
  const taken = body?.assignment ?? ([0, 0] as const);
  let entries = before;
  for (const [bundle, given] of Object.entries(before.assigned)) {
    const { ended, ...rest } = given;
    const item = body?.items.find((each) => each.bundle === bundle);
    const run = moment.runs.get(given.run);
    const from = ended ?? (run !== undefined && wasOver(run, moment.now) ? given.introduced : undefined);
    if (from === undefined || comparePairs(taken, from) < 0) continue;
    if (item === undefined || !isSettled(item)) continue;
    if (!isAbout(item, given)) entries = withdraw(entries, { bundle, run: given.run }, member, moment);
    else if (ended !== undefined) {
      const items = entries.items.map((each) => (each.bundle === bundle && each.mode === "run" ? begins(each) : each));
      entries = { items, assigned: { ...entries.assigned, [bundle]: rest } };
    }
  }
  return entries;
}

/** In this very turn it ends by itself what may yet begin. */
function wasOver({ phase }: Run, now: number): boolean {
  return (phase.kind === "aborted" || phase.kind === "superseded") && phase.at < now;
}

function begins(item: Assignment): Assignment {
  const { ended: _, ...rest } = item;
  return rest;
}

function isState(assigned: Assigned, { digest, values }: Target): boolean {
  return assigned.digest === digest && assigned.values === values;
}

/** Reports are frequent until the wave's gate has passed, or the site went back, and at rest after that. */
function withCadence(entries: Entries, site: string, runs: ReadonlyMap<string, Run>): Entries {
  const changes = entries.items.some((item) => {
    const run = runs.get(item.run);
    return run !== undefined && item.mode === "run" && cadence(run, site) !== item.reportEvery;
  });
  if (!changes) return entries;
  const items = entries.items.map((item) => {
    const run = runs.get(item.run);
    if (run === undefined || item.mode === "prepare") return item;
    const { reportEvery: _, ...rest } = item;
    return withReportEvery(rest, cadence(run, site));
  });
  return { ...entries, items };
}

function cadence(run: Run, site: string): string | undefined {
  const { phase } = run;
  const { wave, returnTo } = run.sites.get(site) ?? {};
  if (phase.kind === "reverting") return typeof returnTo === "number" ? run.spec.site.reportEvery : undefined;
  const current = phase.kind === "rolling" ? phase.wave : phase.kind === "paused" ? phase.resume.wave : undefined;
  return current !== undefined && wave === current ? run.spec.site.reportEvery : undefined;
}

function itemFor(run: Run, target: Target, site: string, record: number): Assignment {
  const { bundle, version, digest, pair, given: values } = target;
  const wave = run.plan.waves[run.sites.get(site)?.wave ?? -1]?.name;
  if (wave === undefined) throw new AppError("internal", `site ${site} is in no wave of run ${run.id}`);
  const item: Assignment = {
    bundle,
    version,
    digest,
    pair,
    record,
    mode: "run",
    run: run.id,
    wave,
    values,
  };
  return withReportEvery(item, cadence(run, site));
}

function withReportEvery(item: Assignment, reportEvery: string | undefined): Assignment {
  return reportEvery === undefined ? item : { ...item, reportEvery };
}

/**
 * A change of run counts as a new introduction even where digest and values stay: evidence for a run, and silence after it was
 * acknowledged, must be about the set that this run brought.
 */
function put(entries: Entries, item: Assignment, values: string, moment: Moment): Entries {
  const others = without(entries, item).items.filter(
    ({ bundle, mode }) => bundle !== item.bundle || mode === "prepare",
  );
  const { introduced, now } = moment;
  const { run, digest, record } = item;
  const assigned: Assigned = { run, digest, values, record, introduced, at: now };
  return {
    items: inOrder([...others, item]),
    assigned: { ...entries.assigned, [item.bundle]: assigned },
  };
}
