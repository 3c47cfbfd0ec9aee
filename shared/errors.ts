/**
 * The one error class for everything a person or a program may have to act on.
 * `code` is closed and stable (programs branch on it), the words are for a person: what, where, why, what to do.
 * After benbjohnson/wtf `error.go` (code apart from words) and sigstore-js `verify/src/error.ts` (one class, cause kept).
 */

/** What was wrong with bytes, documents, signatures or targets: a refusal, never a fault of the network. */
export const REFUSALS = [
  "too-large", // a document, file or packet over its cap
  "malformed", // not the format it claims to be: broken JSON, base64, framing, pack
  "schema", // well-formed, but a key is missing, unknown or of the wrong shape
  "unsupported", // known to the format, not done by this version
  "signature", // a signature that does not hold for these bytes
  "threshold", // fewer distinct trusted keys than the role asks for
  "key", // a key of a kind or size that is not accepted
  "root-chain", // a root that does not follow from the one held
  "fleet", // a document of another fleet
  "undelegated", // nobody may sign a bundle of this name
  "scope", // the bundle is not meant for this site
  "rushed", // the bundle's signed pace (`after`) has not passed
  "rollback", // older than what was committed, and nobody allowed going back
  "floor", // below the floor the owners set
  "equivocation", // one pair, two digests
  "claimed", // an object that another bundle of the site has
  "requires", // a bundle that this one needs is absent or too old
  "future", // created ahead of a synced clock
  "digest", // bytes that do not have the signed hash or size
  "privilege", // a namespace, kind or pod setting that the delegation does not allow
  "image", // an image without a digest that the bundle lists
  "record", // the site record is not for this site, or older than the one held
  "assignment", // an assignment that is old, expired or for somebody else
  "sender", // a message whose sender is unknown or not allowed to say this
  "variable", // a ${NAME} that nobody declared, or a value that its declaration does not allow
  "policy", // a rule of the bundle itself (`checks`) does not hold
  "patch", // an overlay that cannot be applied
] as const;

/** What went wrong while doing: the world's fault, not the content's. Tried again. */
export const FAULTS = [
  "unreachable", // no connection, a cut one, or a time-out
  "not-found", // the other side says it has no such thing
  "kube", // the Kubernetes API refused or failed; see KubeError for the class
  "unhealthy", // applied, but not healthy by its deadline
  "storage", // the local database or disk
  "config", // the program's own configuration
  "usage", // a command used wrongly
  "busy", // somebody else holds it
  "fenced", // another hub took over: what this one would store or publish changes nothing
  "internal", // a bug: an invariant did not hold
] as const;

export type RefusalCode = (typeof REFUSALS)[number];
export type FaultCode = (typeof FAULTS)[number];
export type ErrorCode = RefusalCode | FaultCode;
/** Every code there is, as reports and events carry it. */
export const ERROR_CODES = [...REFUSALS, ...FAULTS] as const;

export interface ErrorWords {
  /** File, line, path, topic or object: `rollouts/pos.yaml:7`, `bundle.json /scope/0/sites`. */
  where?: string;
  /** What to do about it, as an instruction. */
  fix?: string;
  cause?: unknown;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly fix: string | undefined;

  constructor(code: ErrorCode, what: string, words: ErrorWords = {}) {
    super(what, words.cause === undefined ? undefined : { cause: words.cause });
    this.name = "AppError";
    this.code = code;
    this.where = words.where;
    this.fix = words.fix;
  }
}

const refusals: ReadonlySet<string> = new Set(REFUSALS);

/** True where trying again cannot help: the content itself was refused. */
export function isRefusal(error: unknown): error is AppError & { code: RefusalCode } {
  return error instanceof AppError && refusals.has(error.code);
}

/** One line for a person: `code: what (where); fix`. Never a stack trace. */
export function inWords(error: unknown): string {
  if (!(error instanceof AppError)) return `internal: ${error instanceof Error ? error.message : String(error)}`;
  const where = error.where === undefined ? "" : ` (${error.where})`;
  const fix = error.fix === undefined ? "" : `; ${error.fix}`;
  return `${error.code}: ${error.message}${where}${fix}`;
}

/** Closes a switch over a tagged union. */
export function assertNever(value: never): never {
  throw new AppError("internal", `unexpected variant ${JSON.stringify(value)}`);
}
