import { sorted } from "../shared/canonical.ts";
import { AppError, inWords } from "../shared/errors.ts";
import { comparePairs, type Pair } from "../shared/names.ts";
import { valuesHash } from "../shared/render/values.ts";
import type { Rollout } from "../shared/rollout.ts";
import { isLegal, VERBS } from "../shared/verbs.ts";
import { type Moved, notOlderMove } from "../shared/verify/move.ts";
import type { Followed, RolloutRead } from "./follow/followed.ts";
import { placed } from "./placed.ts";
import type { Person, SeenRollout } from "./registry/store.ts";
import type { Run, Target } from "./rollout/run.ts";
import { refuseValues } from "./rollout/values.ts";

/** What a commit of the fleet repository means for one rollout, beside what was made of the commits before. */
export type Change =
  /** A run shall start: `seen` is what to remember if it does. `where` places a JSON pointer in the file, for a refusal. */
  | {
      kind: "start";
      seen: SeenRollout;
      spec: Rollout;
      target: Target;
      back: boolean;
      startedBy: string | null;
      /** Of a person, where no commit changed anything. */
      reason?: string;
      where(pointer: string): string;
    }
  /** The file says again what its last run does: nothing starts. */
  | { kind: "restored"; seen: SeenRollout }
  /** Broken or deleted, or it names what is not there: what runs stands still. `code` is null for a deletion. */
  | { kind: "stopped"; seen: SeenRollout; words: string; code: AppError["code"] | null };

export interface Past {
  seen: ReadonlyMap<string, SeenRollout>;
  runs: Iterable<Run>;
  /** People who have a token here: whose commits are whose. */
  people: readonly Person[];
}

/**
 * The rollouts for which something has to be done. The same content starts nothing twice; a file that was refused has started
 * nothing yet, and is tried again whenever the fleet's documents change.
 */
export function rolloutChanges({ rollouts, bundles }: Followed, past: Past): Change[] {
  if (rollouts === null) return [];
  const latest = latestRuns(past.runs);
  const deleted = [...past.seen.values()].filter(({ name, sha256 }) => sha256 !== null && !rollouts.has(name));
  const changes = deleted.map((seen): Change => {
    const words = `rollouts/${seen.name}.yaml was deleted`;
    return { kind: "stopped", seen: { ...seen, sha256: null, refused: null }, words, code: null };
  });
  for (const [name, file] of rollouts) {
    const seen = past.seen.get(name);
    if (isTaken(file, seen) && (file.move === null || file.move.number === seen?.move?.number)) continue;
    const change = changeOf(name, file, { bundles, seen, last: latest.get(name), people: past.people });
    if (seen?.sha256 !== file.sha256 || change.kind !== "stopped" || change.seen.refused !== seen.refused) {
      changes.push(change);
    }
  }
  return changes;
}

/**
 * The same version once more, because a person asks for it. Throws `not-found` for a rollout that never ran, `usage` where its file is not in force or
 * its last run is not over, and what is wrong with the version now.
 */
export function startAgain(
  { rollout: name, who, reason }: { rollout: string; who: string; reason: string },
  { last, seen, bundles }: { last: Run | undefined; seen: SeenRollout | undefined; bundles: Followed["bundles"] },
): Change {
  if (last === undefined || seen === undefined) {
    throw new AppError("not-found", `no run of a rollout ${name} was ever started`, {
      fix: `commit rollouts/${name}.yaml: that starts it`,
    });
  }
  if (seen.sha256 === null || seen.refused !== null) {
    const why = seen.refused ?? `rollouts/${name}.yaml was deleted`;
    throw new AppError("usage", `the rollout's file is not in force: ${why}`, { where: name });
  }
  if (!isLegal("start", last.phase.kind)) {
    throw new AppError(
      "usage",
      `${last.id} is ${last.phase.kind}; start is for rollouts whose last run is ${VERBS.start.join(" or ")}`,
      {
        where: name,
      },
    );
  }
  if (bundles.size === 0) {
    throw new AppError("unreachable", "the fleet repository was not read yet since this hub started", {
      fix: "try again in a moment",
    });
  }
  const where = (pointer: string) => `rollouts/${name}.yaml ${pointer}`;
  const target = targetOf(last.spec, bundles, where);
  return { kind: "start", seen, spec: last.spec, target, back: false, startedBy: who, reason, where };
}

/** What to remember of a file for which nothing was started, and what to say. */
export function stopped(seen: SeenRollout, error: AppError): Change {
  const words = inWords(error);
  return { kind: "stopped", seen: { ...seen, refused: words }, words, code: error.code };
}

interface Around {
  bundles: Followed["bundles"];
  seen: SeenRollout | undefined;
  last: Run | undefined;
  people: readonly Person[];
}

function isTaken({ sha256 }: RolloutRead, seen: SeenRollout | undefined): boolean {
  return seen?.sha256 === sha256 && seen.refused === null;
}

function changeOf(name: string, file: RolloutRead, { bundles, seen, last, people }: Around): Change {
  const { commit, sha256 } = file;
  const taken = seen?.move ?? null;
  const error = file.move === null ? null : oldOrder(name, file.move, taken);
  const move = error === null ? (file.move ?? taken) : taken;
  const same = { name, commit, sha256, refused: null, ...(move === null ? {} : { move }) };
  const before = { ...same, version: seen?.version ?? null };
  if (error !== null) return stopped(before, error);
  if (file.kind === "refused") return stopped(before, file.error);
  const { spec, where } = file;
  const next: SeenRollout = { ...same, version: spec.version };
  // The same content under a higher order: nothing new but the number.
  if (isTaken(file, seen)) return { kind: "restored", seen: next };
  // Broken or deleted and then mended: that is no new order.
  const interrupted = seen !== undefined && (seen.sha256 === null || seen.refused !== null);
  if (interrupted && last !== undefined && sorted(last.spec) === sorted(spec)) return { kind: "restored", seen: next };
  try {
    const target = targetOf(spec, bundles, where);
    const running = last?.target.bundle === spec.bundle ? last.target.pair : undefined;
    const startedBy = nameOf(file.author, people);
    return { kind: "start", seen: next, spec, target, back: isBelow(target.pair, running), startedBy, where };
  } catch (error) {
    if (error instanceof AppError) return stopped(next, error);
    throw error;
  }
}

/** The person of that address, who may not approve what they started; else as Git says, which is a claim. */
function nameOf(author: RolloutRead["author"], people: readonly Person[]): string | null {
  if (author === null) return null;
  const address = author.email.trim().toLowerCase();
  const called = author.name.trim().toLowerCase().replaceAll(/\s+/g, "-");
  const person = people.find(({ name, emails }) => emails.includes(address) || name === called);
  return person?.name ?? `${author.name} <${author.email}>`.slice(0, 100);
}

function oldOrder(name: string, move: Moved, taken: Moved | null): AppError | null {
  try {
    notOlderMove(name, move, taken);
    return null;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function targetOf(spec: Rollout, bundles: Followed["bundles"], where: (pointer: string) => string): Target {
  const { bundle, version } = spec;
  const versions = bundles.get(bundle);
  if (versions === undefined) {
    throw new AppError("not-found", `there is no bundle ${bundle}; the rollout waits for it`, {
      where: where("/bundle"),
      fix: "publish it with `skerry bundle publish`, or correct the name",
    });
  }
  const seen = versions.get(version);
  if (seen === undefined) {
    const known = [...versions.keys()].slice(-5).join(", ");
    throw new AppError("not-found", `bundle ${bundle} has no version ${version} yet; the rollout waits for it`, {
      where: where("/version"),
      fix: `publish it with \`skerry bundle publish\`, or name one that is there: ${known}`,
    });
  }
  if (seen.kind === "refused") {
    throw new AppError(seen.error.code, `${bundle} ${version} is refused: ${inWords(seen.error)}`, {
      where: where("/version"),
      cause: seen.error,
    });
  }
  if (!seen.filesChecked) {
    throw new AppError("unreachable", `the files of ${bundle} ${version} could not be read yet; the rollout waits`, {
      where: where("/version"),
    });
  }
  try {
    refuseValues(spec, seen.variables);
  } catch (error) {
    throw placed(error, where);
  }
  const { digest, pair, floor } = seen;
  return { bundle, version, digest, pair, floor, given: spec.values, values: valuesHash(spec.values) };
}

function isBelow(pair: Pair, before: Pair | undefined): boolean {
  return before !== undefined && comparePairs(pair, before) < 0;
}

function latestRuns(runs: Iterable<Run>): ReadonlyMap<string, Run> {
  const latest = new Map<string, Run>();
  for (const run of runs) {
    if ((latest.get(run.rollout)?.startedAt ?? -1) <= run.startedAt) latest.set(run.rollout, run);
  }
  return latest;
}
