import * as z from "zod/mini";

/** Small vocabulary that every document shares. Patterns are the rules; the words for a breach come from `parse.ts`. */

/** A text with words of its own for what it must be, where the pattern says less to people. */
function worded(words: string, pattern: RegExp) {
  return z.string(words).check(z.regex(pattern, words));
}

/** A DNS label: fleets, sites, bundles, keys, waves, rollouts. */
export const name = worded(
  "must be a name: at most 63 lower-case letters, digits and hyphens",
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
);
/** `all` is a topic level of its own and so cannot be a site. */
export const siteId = z.string().check(z.regex(/^(?!all$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/));
/** A bundle name, or a prefix of one followed by `*`; `*` alone is every bundle. */
export const namePattern = z.string().check(z.regex(/^(?:[a-z0-9][a-z0-9-]{0,62}\*?|\*)$/));
export const version = worded("must be a version as in 1.4.2", /^[0-9A-Za-z][0-9A-Za-z.+-]{0,62}$/);
export const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/));
/** The first 16 bytes of a digest: enough to tell bundles apart, half the bytes on the wire. */
export const shortDigest = z.string().check(z.regex(/^[0-9a-f]{32}$/));
/** The first 16 bytes, as reports and events carry a digest. */
export function short(digest: string): string {
  return digest.slice(0, 32);
}
/** RFC 3339 in UTC, whole seconds. */
export const time = z.string().check(
  z.regex(/^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/, { abort: true }),
  z.refine((text) => isInEveryMonth(text) || rfc3339(Date.parse(text)) === text, "must be a day of the calendar"),
);
/** Reports carry a time for every bundle, and dates are dear. */
function isInEveryMonth(time: string): boolean {
  return Number(time.slice(8, 10)) <= 28;
}
/** As people write them: `90s`, `10m`, `2h`, `1d`, also `1h30m`. `0` is none. */
export const duration = worded(
  "must be a duration as in 90s, 10m, 2h, 1d or 1h30m",
  /^(?:0|(?=\d)(?:\d{1,6}d)?(?:\d{1,6}h)?(?:\d{1,6}m)?(?:\d{1,6}s)?)$/,
);
export const percent = worded("must be a percentage as in 2% or 99.5%", /^(?:100(?:\.0+)?|\d{1,2}(?:\.\d{1,3})?)%$/);
export const count = z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER));
export const number = z.int().check(z.gte(1), z.lte(Number.MAX_SAFE_INTEGER));
/** `[epoch, seq]`, compared in that order. */
export const pair = z.tuple([number, number]);
export type Pair = z.infer<typeof pair>;

/** Labels as Kubernetes has them. */
const labelValue = z.string().check(z.regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/));
export const labelKey = z
  .string()
  .check(z.regex(/^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/));
export const labels = z.record(labelKey, labelValue);
export type Labels = z.infer<typeof labels>;

const operator = z
  .strictObject({
    key: labelKey,
    operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: z.optional(z.array(labelValue)),
  })
  .check(
    z.refine(({ operator, values = [] }) => operator.endsWith("In") === values.length > 0, {
      message: "In and NotIn need values, Exists and DoesNotExist take none",
      path: ["values"],
    }),
  );
/** matchLabels in short form, or `matchExpressions`; `{}` matches every site. */
export const selector = z.union([
  z.strictObject({ matchLabels: z.optional(labels), matchExpressions: z.array(operator) }),
  z.record(labelKey, labelValue),
]);
export type Selector = z.infer<typeof selector>;

/** Name of a variable. */
export const variableName = z.string().check(z.regex(/^[A-Z][A-Z0-9_]{0,62}$/));
export const scalar = z.union(
  [z.string().check(z.maxLength(1024)), z.int(), z.number(), z.boolean()],
  "must be a text, a number, true or false",
);
export const values = z.record(variableName, scalar);
export type Values = z.infer<typeof values>;
/** A boot nonce: made anew by each start of an agent. */
export const boot = z.string().check(z.regex(/^[0-9a-f]{16}$/));
/** Hash of canonical values, first 8 bytes; empty values are written as "". */
export const valuesHash = z.string().check(z.regex(/^(?:[0-9a-f]{16})?$/));

export function comparePairs(a: Readonly<Pair>, b: Readonly<Pair>): number {
  return a[0] - b[0] || a[1] - b[1];
}

/** A pattern is a bundle's name, or a prefix of it followed by `*`. */
export function matchesPattern(pattern: string, bundle: string): boolean {
  return pattern.endsWith("*") ? bundle.startsWith(pattern.slice(0, -1)) : pattern === bundle;
}

/** Whether one of these patterns is the bundle's: as a site record names what its site follows. */
export function matchesAny(patterns: readonly string[], bundle: string): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, bundle));
}

const UNIT: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** Milliseconds of a duration that the schema accepted. */
export function milliseconds(duration: string): number {
  let total = 0;
  let amount = 0;
  for (const sign of duration) {
    const unit = UNIT[sign];
    if (unit === undefined) amount = 10 * amount + Number(sign);
    else {
      total += amount * unit;
      amount = 0;
    }
  }
  return total * 1000;
}

/** A share between 0 and 1 of a percentage that the schema accepted. */
export function share(percentage: string): number {
  return Number(percentage.slice(0, -1)) / 100;
}

/** RFC 3339 in whole seconds, as documents carry it. */
export function rfc3339(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
