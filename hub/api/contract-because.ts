import * as z from "zod/mini";
import { ERROR_CODES } from "../../shared/errors.ts";
import { count, name, siteId } from "../../shared/names.ts";
import { OUTCOMES } from "../../shared/rollout.ts";

/** Why a run stands where it stands, as the API says it: the gate's arithmetic, with who. */

const ordered = <T extends z.core.SomeType>(element: T) => z.readonly(z.array(element));
const code = z.nullable(z.enum(ERROR_CODES));
export const outcome = z.enum(OUTCOMES);
const failure = z.object({ site: siteId, outcome, code });
/** So many, and the first few of them; the waves of the run name them all. */
const some = z.object({ count, first: ordered(failure) });

const pauseReason = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("failures"), wave: name, failed: ordered(failure), ended: count, over: z.string() }),
  z.object({
    kind: z.literal("cannotPass"),
    wave: name,
    failed: ordered(failure),
    counted: count,
    needed: count,
  }),
  z.object({ kind: z.literal("notReady"), failed: ordered(failure), counted: count, needed: count }),
  z.object({ kind: z.literal("nobody"), wave: z.nullable(name), sites: count }),
  z.object({ kind: z.literal("silent"), sites: ordered(siteId), of: count, atMost: z.string() }),
  z.object({ kind: z.literal("person"), who: z.string(), reason: z.string() }),
  z.object({ kind: z.literal("file"), words: z.string() }),
]);

/** Not counted now. */
const away = { offline: some, held: some, deferred: some };
const waiting = { wave: name, healthy: count, of: count, waitingFor: some, ...away };
/** As sites name it, and at how many: it does not go back when a version does. */
export const ranJob = z.object({ job: z.string(), sites: count });
const returning = {
  why: pauseReason,
  back: count,
  of: count,
  behind: some,
  left: ordered(siteId),
  jobs: ordered(ranJob),
};

export const because = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("preparing"),
    ready: count,
    of: count,
    needed: count,
    waitingFor: some,
    notReady: some,
    ...away,
  }),
  z.object({ kind: z.literal("moving"), needed: count, ...waiting }),
  z.object({ kind: z.literal("soaking"), needed: count, shortestSeconds: count, soakSeconds: z.number(), ...waiting }),
  z.object({
    kind: z.literal("quorum"),
    /** Null: all of them, before the first wave. */
    wave: z.nullable(name),
    counted: count,
    of: count,
    needed: count,
    ...away,
  }),
  z.object({
    kind: z.literal("approval"),
    /** The wave whose gate is passed but for that; null before the start. */
    wave: z.nullable(name),
    given: ordered(z.string()),
    needed: count,
    notBy: z.nullable(z.string()),
  }),
  z.object({ kind: z.literal("after"), rollout: name, forSeconds: z.nullable(count), soakSeconds: z.number() }),
  z.object({ kind: z.literal("queued"), run: name, rollout: name, site: siteId, sites: count }),
  z.object({ kind: z.literal("reverting"), ...returning }),
  z.object({ kind: z.literal("reverted"), ...returning }),
  z.object({ kind: z.literal("paused"), why: pauseReason }),
  z.object({ kind: z.literal("completed"), healthy: count, of: count, behind: some }),
  z.object({ kind: z.literal("aborted"), who: z.string(), reason: z.string() }),
  z.object({ kind: z.literal("superseded"), by: z.string() }),
]);
