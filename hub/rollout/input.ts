import { isLegal } from "../../shared/verbs.ts";
import type { Fleet } from "./look.ts";
import { turnedBack } from "./return.ts";
import type { Act, Effect, Input, PauseReason, Resume, Run, SiteProgress } from "./run.ts";
import { notBegun } from "./start.ts";
import { approved, isDone, mayRetry, openWave, refusalOf } from "./verb.ts";

interface Taken {
  run: Run;
  notices: Effect[];
}

/**
 * A person's verb, or news about the rollout. What the phase does not allow changes nothing: the API has refused it by
 * the same rule, and news may come late. A run that stands still already keeps its first reason.
 */
export function takeInput(run: Run, input: Input, fleet: Fleet, now: number): Taken {
  const { phase } = run;
  switch (input.kind) {
    case "file":
      // Broken or deleted: the fleet is never released because nobody holds it any more.
      return quiet(isLegal("pause", phase.kind) ? paused(run, { kind: "file", words: input.words }, now) : run);
    case "superseded":
      if (phase.kind === "aborted" || phase.kind === "superseded") return quiet(run);
      return quiet({ ...run, phase: { kind: "superseded", by: input.by, at: now } });
    case "queue":
      return quiet({ ...run, behind: input.behind });
    case "promoted":
      return quiet({ ...run, promoted: { ...run.promoted, [input.rollout]: input.at } });
    default:
      return refusalOf(run, input) !== null || isDone(run, input) ? quiet(run) : acted(run, input, fleet, now);
  }
}

function acted(run: Run, act: Act, fleet: Fleet, now: number): Taken {
  const { who, reason } = act;
  switch (act.kind) {
    case "pause":
      return quiet(paused(run, { kind: "person", who, reason }, now));
    case "resume":
      // The same gate is asked again: while the failures stand that paused the run, it pauses again at once.
      return told(resumed(run, now), act, "resumed");
    case "approve": {
      const after = approved(run, act, now);
      return after === run
        ? quiet(run)
        : told(after, act, act.wave === undefined ? "approved" : `${act.wave} approved`);
    }
    case "promote": {
      const next = (openWave(run) ?? -1) + 1;
      const isLast = next >= run.plan.waves.length;
      const after: Run = isLast ? { ...run, phase: { kind: "completed", at: now } } : rolling(run, next, now);
      return told(after, act, "promoted");
    }
    case "skip": {
      const before = run.sites.get(act.site);
      if (before === undefined || before.outcome === "skipped") return quiet(run);
      const skipped = { ...notBegun(before.wave, now), outcome: "skipped" as const };
      return told({ ...run, sites: run.sites.with([[act.site, skipped]]) }, act, `skips ${act.site}:`);
    }
    case "retry": {
      const again = [...run.sites].filter(([, progress]) => mayRetry(progress));
      const sites = again.map(([site, { wave, notReady }]): [string, SiteProgress] => [
        site,
        { ...notBegun(wave, now), ...(notReady === true ? { askedAgain: now } : { retriedAt: now }) },
      ]);
      const after = { ...run, sites: run.sites.with(sites) };
      const isPaused = run.phase.kind === "paused";
      const words = `tries ${again.map(([site]) => site).join(", ")} once more:`;
      return told(isPaused ? resumed(after, now) : after, act, words);
    }
    case "revert":
      return quiet(turnedBack(run, fleet, null, { kind: "person", who, reason }, now));
    case "abort":
      return quiet({ ...run, phase: { kind: "aborted", who, reason, at: now } });
  }
}

function quiet(run: Run): Taken {
  return { run, notices: [] };
}

function told(run: Run, { who, reason }: Act, what: string): Taken {
  const words = `${run.id} ${what} by ${who}: ${reason}`.replace(": by", " by");
  return { run, notices: [{ kind: "notice", words, site: null, code: null }] };
}

function rolling(run: Run, wave: number, now: number): Run {
  return { ...run, phase: { kind: "rolling", wave, step: "opening", since: now } };
}

function resumed(run: Run, now: number): Run {
  const wave = openWave(run);
  if (wave !== null) return rolling(run, wave, now);
  const isPrepared = run.phase.kind === "paused" && run.phase.resume.before === "preparing";
  return { ...run, phase: isPrepared ? { kind: "preparing", since: now } : { kind: "planned" } };
}

function paused(run: Run, because: PauseReason, now: number): Run {
  const { phase } = run;
  const before = phase.kind === "preparing" ? phase.kind : "planned";
  const resume: Resume = phase.kind === "rolling" ? { wave: phase.wave } : { wave: 0, before };
  return { ...run, phase: { kind: "paused", because, resume, since: now } };
}
