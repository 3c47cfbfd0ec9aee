import type { SeenRun } from "../../hub/api/snapshot.ts";
import { nameOf } from "../../hub/api/who.ts";
import { VERBS, type Verb } from "../../shared/verbs.ts";
import type { Asked } from "./asked.ts";
import { PEOPLE } from "./people.ts";
import type { Stage } from "./stage.ts";

/** The hard verbs are rarer. */
const HARD: ReadonlySet<Verb> = new Set<Verb>(["abort", "revert", "promote"]);

/** People look at the hub, and ask something of a run: mostly one, and now and then more at a time. */
export function operate(stage: Stage): void {
  const { chance } = stage.world;
  for (let left = chance.of(0.25) ? chance.whole(2, 3) : 1; left > 0; left -= 1) look(stage);
}

/** What they ask is of what they saw: it may have moved on when they have made up their mind. */
function look(stage: Stage): void {
  const { hosts, world } = stage;
  const { chance, queue } = world;
  const runs = hosts.leading?.hub?.read().runs.slice(-4) ?? [];
  if (runs.length === 0) return;
  const waiting = runs.filter(({ because }) => because.kind === "approval");
  const seen = waiting.length > 0 && chance.of(0.7) ? chance.one(waiting) : chance.one(runs);
  const verb = drawVerb(stage, seen);
  if (verb === null) return;
  const { run, open } = seen;
  const wave = open === null ? undefined : run.plan.waves[open]?.name;
  const site = verb === "skip" ? chance.one([...run.sites])[0] : undefined;
  const reason = `because ${(stage.asked += 1)}`;
  const asked: Asked = { run: run.id, rollout: run.rollout, opens: (open ?? -1) + 1, verb, reason, wave, site };
  const who = chance.one(PEOPLE);
  queue.after(chance.delay(1_500), () => ask(stage, who, asked));
  // Whoever did not hear the answer asks again.
  if (chance.of(0.1)) queue.after(chance.delay(3_000), () => ask(stage, who, asked));
}

function drawVerb({ world }: Stage, { run, because }: SeenRun): Verb | null {
  const { chance } = world;
  if (because.kind === "approval" && chance.of(0.8)) return "approve";
  const legal = (Object.keys(VERBS) as Verb[]).filter((verb) =>
    (VERBS[verb] as readonly string[]).includes(run.phase.kind),
  );
  return legal.length === 0 ? null : chance.one([...legal, ...legal.filter((verb) => !HARD.has(verb))]);
}

function ask({ hosts, world }: Stage, person: (typeof PEOPLE)[number], asked: Asked): void {
  const { trace, witness } = world;
  const hub = hosts.leading?.hub ?? null;
  if (hub === null) return;
  const { run, rollout, verb, reason, wave, site } = asked;
  trace.event(`operator ${verb} ${run}`);
  const who = nameOf({ kind: "person", person }, verb, undefined);
  if (typeof who !== "string") return trace.note(`${person.name} may not ${verb} ${run}`);
  trace.note(`${who} asks ${verb} ${run}`, () => `${wave ?? ""} ${site ?? ""} ${reason}`);
  const answered = witness.asks.begin(who, asked);
  const answer =
    verb === "start"
      ? hub.startAgain({ rollout, last: run, who, reason })
      : hub.act({ run, verb, who, reason, wave, site });
  answer.then(
    () => answered(true),
    () => {
      trace.note(`${verb} ${run} of ${who} is refused`);
      answered(false);
    },
  );
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
