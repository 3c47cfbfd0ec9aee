import * as z from "zod/mini";
import { name, siteId } from "../../shared/names.ts";
import { ROLES } from "../../shared/verbs.ts";
import { runView } from "./contract.ts";

/** What a person may ask of the hub's API, and how it refuses. */

/** `GET /api/v1/me`: whose token it is; null for the hub's own, which is anybody's. */
export const meView = z.object({ name: z.nullable(name), roles: z.array(z.enum(ROLES)) });

/** Body of `POST /api/v1/rollouts/{name}/runs/{id}/{verb}`: who asks for it, and why. */
export const verbRequest = z.strictObject({
  /** With a token of one's own it may be left out, and says nothing else than that token. */
  who: z.optional(z.string().check(z.trim(), z.minLength(1), z.maxLength(100))),
  reason: z.string().check(z.trim(), z.minLength(1), z.maxLength(300)),
  /** The wave that this person sees open: a run that moved on refuses. `approve` and `promote` must name it. */
  wave: z.optional(name),
  /** Of `skip`. */
  site: z.optional(siteId),
});

export const PROBLEMS = [
  "bad-request", // a query or body that the contract does not accept
  "unauthorized", // no token, or one that is nobody's here
  "forbidden", // the token's owner may not do that, or not in that name
  "not-found", // no such path, rollout, run or verb
  "conflict", // the run's phase does not allow it (any more)
  "too-large", // a body over its cap
  "misdirected", // a Host header that is not this hub's
  "busy", // too many streams are open
  "unavailable", // the hub cannot do it now; nothing was changed
  "internal", // a bug
] as const;

/** RFC 9457, as `application/problem+json`; `type` is always `about:blank`. */
export const problem = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  code: z.enum(PROBLEMS),
  detail: z.string(),
  /** What to do about it. */
  fix: z.optional(z.string()),
  /** With `conflict`: the run as it is now. */
  run: z.optional(runView),
});

export type ProblemCode = (typeof PROBLEMS)[number];
export type MeView = z.infer<typeof meView>;
export type Problem = z.infer<typeof problem>;
