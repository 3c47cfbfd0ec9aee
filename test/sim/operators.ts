import { type RunVerb, VERBS, type Verb } from "../../shared/verbs.ts";
import type { Stage } from "./stage.ts";

/** An operator asks something of a run. */
export function operate({ hosts, world }: Stage): void {
  const { chance, trace, witness } = world;
  const hub = hosts.leading?.hub ?? null;
  const runs = hub?.read().runs.slice(-3) ?? [];
  if (hub === null || runs.length === 0) return;
  const { run } = chance.one(runs);
  const legal = (Object.keys(VERBS) as Verb[]).filter(
    (verb): verb is RunVerb => verb !== "start" && (VERBS[verb] as readonly string[]).includes(run.phase.kind),
  );
  if (legal.length === 0) return;
  // The hard verbs are rarer.
  const verb = chance.one([...legal, ...legal.filter((each) => !["abort", "revert", "promote"].includes(each))]);
  const { phase, plan, sites } = run;
  const open =
    phase.kind === "rolling"
      ? phase.wave
      : phase.kind === "paused" && phase.resume.before === undefined
        ? phase.resume.wave
        : null;
  const wave = open === null ? undefined : plan.waves[open]?.name;
  const site = verb === "skip" ? chance.one([...sites])[0] : undefined;
  trace.event(`operator ${verb} ${run.id}`);
  trace.note(`operator ${verb} ${run.id}`);
  if (verb === "promote") witness.promoting.add(run.id);
  if (site !== undefined) witness.skipped.add(`${run.id} ${site}`);
  const who = chance.one(["ada", "bob", "eve"]);
  const done = () => verb === "promote" && witness.promoting.delete(run.id);
  hub.act({ run: run.id, verb, who, reason: "because", wave, site }).then(done, () => {
    done();
    if (site !== undefined) witness.skipped.delete(`${run.id} ${site}`);
  });
}

/** Of what a hub paused that found itself restored, people say that it goes on. */
export function goOnAfterRestore({ hosts, world }: Stage): void {
  const hub = hosts.leading?.hub ?? null;
  for (const { run } of hub?.read().runs ?? []) {
    if (run.phase.kind !== "paused" || run.phase.because.kind !== "person" || run.phase.because.who !== "hub") continue;
    world.trace.event(`operator resume ${run.id}`);
    world.trace.note(`operator resume ${run.id}`);
    hub?.act({ run: run.id, verb: "resume", who: "ada", reason: "the store is what we have" }).catch(() => {});
  }
}
