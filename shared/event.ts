import * as z from "zod/mini";
import { ERROR_CODES } from "./errors.ts";
import { boot, name, number, shortDigest, time } from "./names.ts";

/** `skerry-event@v1`: things that happened at a site, kept until the hub confirms them. Each number is taken once. */

export const EVENT_KINDS = [
  "started", // the agent came up
  "assigned", // an assignment set was taken
  "applying", // a move to another state began
  "committed", // health held; this is now what the site returns to
  "failed", // a state was given up, with its code
  "reverting", // going back to what was committed last
  "reverted", // back, and healthy
  "drift", // an object differed: put right, left so where the bundle says that, or contested
  "drift", // an object differed and was put right
  "prepared", // a state was rehearsed: it is ready, or why it is not, with its code
  "pruned", // an object that is no longer in the bundle was deleted
  "recreated", // an object was deleted and made anew, because a field of it cannot change
  "refused", // content or a message was refused, with its code
  "held", // the site puts off what is new
  "released", // it does not any more
  "source", // a source cannot be reached, or can again
  "run", // the hub's own: a run opened a wave, paused, completed; a site failed in it
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

const event = z.strictObject({
  number,
  at: time,
  kind: z.enum(EVENT_KINDS),
  bundle: z.optional(name),
  digest: z.optional(shortDigest),
  code: z.optional(z.enum(ERROR_CODES)),
  /** The object concerned, as `apps/v1 Deployment shop/till`. */
  object: z.optional(z.string().check(z.maxLength(400))),
  /** For a person; never a value out of a Secret. */
  words: z.optional(z.string().check(z.maxLength(300))),
});

export const eventBatch = z.strictObject({ boot, events: z.array(event).check(z.minLength(1), z.maxLength(200)) });

export type SiteEvent = z.infer<typeof event>;
/** An event before it was first sent: it has no number yet. */
export type NewEvent = Omit<SiteEvent, "number">;
export type EventBatch = z.infer<typeof eventBatch>;
