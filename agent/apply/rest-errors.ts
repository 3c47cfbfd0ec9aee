import type { Json, JsonObject } from "../../shared/live.ts";
import { isImmutable } from "./immutable.ts";
import { type KubeClass, KubeError } from "./kube.ts";
import { asRecord, readObject } from "./rest-body.ts";

/** Seconds that a Retry-After counts for. */
const RETRY_AFTER_AT_MOST = 300;

/** An answer as it came. `retryAfter` in seconds. */
export interface Answer {
  status: number;
  contentType: string;
  retryAfter: number | undefined;
  body: string;
}

interface Cause {
  reason: string;
  message: string;
  field: string;
}

interface Refusal {
  status: number;
  /** The body was no `Status`: plain text of the server itself or of something in front of it. */
  plain: boolean;
  reason: string;
  message: string;
  /** Resource of the object that the error is about: `namespaces`; empty where the server named none. */
  resource: string;
  /** As `kindOf` has it, where the error is about an object that is not valid. */
  kind: string;
  causes: readonly Cause[];
}

interface Row {
  status: number | "any";
  when?: (refusal: Refusal) => boolean;
  class: KubeClass;
  words: string;
}

const says = (words: RegExp) => (refusal: Refusal) => words.test(refusal.message);
const hasCause = (reason: string) => (refusal: Refusal) => refusal.causes.some((cause) => cause.reason === reason);

/** What each answer of Kubernetes 1.36 means. The first row that fits counts. Each is recorded in `test/golden/kube-errors`. */
export const TABLE: readonly Row[] = [
  {
    status: "any",
    when: says(/^admission webhook "[^"]*" denied the request|^\S+ "[^"]*" is \w+: ValidatingAdmissionPolicy '/),
    class: "policy",
    words: "refused by an admission policy of the cluster",
  },
  {
    status: 400,
    when: says(/^admission webhook "[^"]*" does not support dry run/),
    class: "no-dry-run",
    words: "an admission webhook of the cluster takes no part in dry runs",
  },
  { status: 400, class: "manifest", words: "the API server cannot read the object" },
  { status: 401, class: "forbidden", words: "the API server does not accept our credentials" },
  {
    status: 403,
    when: hasCause("NamespaceTerminating"),
    class: "terminating",
    words: "its namespace is being deleted",
  },
  {
    status: 403,
    when: says(/ is forbidden: create not allowed while custom resource definition is terminating/),
    class: "terminating",
    words: "its definition is being deleted",
  },
  {
    status: 403,
    when: says(/ is forbidden: exceeded quota: /),
    class: "quota",
    words: "over a quota of its namespace",
  },
  {
    status: 403,
    when: says(/ is attempting to grant RBAC permissions not currently held/),
    class: "forbidden",
    words: "it grants rights that we do not hold",
  },
  // Also what a server answers for a second after its start, to whom it will serve once it has read its roles.
  { status: 403, when: says(/ cannot \S+ (resource|path) "/), class: "forbidden", words: "RBAC does not allow it" },
  {
    status: 403,
    when: says(/ is forbidden: not yet ready to handle request$/),
    class: "wait",
    words: "the API server has just started",
  },
  { status: 403, class: "policy", words: "refused by an admission rule of the cluster" },
  { status: 404, when: (refusal) => refusal.plain, class: "wait", words: "the API server does not serve its kind yet" },
  {
    status: 404,
    when: (refusal) => refusal.resource === "namespaces",
    class: "missing-namespace",
    words: "its namespace does not exist",
  },
  {
    status: 404,
    when: (refusal) => refusal.resource === "",
    class: "missing-kind",
    words: "the API server does not know its kind",
  },
  { status: 404, class: "wait", words: "something that it refers to does not exist" },
  { status: 405, class: "manifest", words: "objects of its kind cannot be applied" },
  {
    status: 409,
    when: (refusal) => refusal.resource === "resourcequotas",
    class: "wait",
    words: "others used the quota of its namespace at the same moment",
  },
  {
    status: 409,
    when: hasCause("FieldManagerConflict"),
    class: "conflict",
    words: "another manager owns fields of it",
  },
  {
    status: 409,
    when: says(/: (the UID in the precondition|uid mismatch)/),
    class: "conflict",
    words: "it is another object than the one asked for",
  },
  { status: 409, class: "conflict", words: "it was changed by another writer" },
  { status: 410, class: "expired", words: "the server no longer has this resource version" },
  { status: 413, class: "manifest", words: "it is larger than the API server takes" },
  { status: 415, class: "manifest", words: "objects of its kind cannot be applied" },
  {
    status: 422,
    when: (refusal) => refusal.causes.some((cause) => cause.field === "metadata.uid"),
    class: "conflict",
    words: "it is another object than the one asked for",
  },
  {
    // Every cause: with an invalid field beside it, a recreated object would be refused too, and the old one be gone.
    status: 422,
    when: ({ kind, causes }) => causes.length > 0 && causes.every((cause) => isImmutable(kind, cause)),
    class: "immutable",
    words: "a field that cannot change on an existing object",
  },
  { status: 422, class: "manifest", words: "not a valid object of its kind" },
  { status: 429, class: "throttled", words: "the API server is busy" },
  {
    status: 500,
    when: says(/^Internal error occurred: failed calling webhook/),
    class: "wait",
    words: "an admission webhook does not answer",
  },
  { status: 500, when: says(/conversion webhook for/), class: "wait", words: "a conversion webhook does not answer" },
  {
    status: 500,
    when: says(/^failed to create typed patch object .*: field not declared in schema$/m),
    class: "manifest",
    words: "a field that the schema does not have",
  },
  // Not every 500 without a reason is the manifest's: a store that lost its leader answers one too, and that passes.
  {
    status: 500,
    when: says(/^failed to (create typed patch object|convert new object)/),
    class: "manifest",
    words: "a value that the schema does not allow",
  },
  {
    status: 500,
    when: says(/^(etcdserver: request is too large|rpc error: code = ResourceExhausted desc = trying to send message)/),
    class: "manifest",
    words: "it is larger than the cluster's store takes",
  },
  {
    status: 504,
    when: hasCause("ResourceVersionTooLarge"),
    class: "expired",
    words: "the resource version is ahead of the server, which was restored or replaced",
  },
  { status: "any", class: "server", words: "the API server failed" },
];

/** The error for a non-2xx answer. `where` names what was asked for. */
export function classify(answer: Answer, where: string): KubeError {
  const status = /\bjson\b/.test(answer.contentType) ? readObject(answer.body) : undefined;
  return fromStatus(status ?? { message: answer.body }, answer, where);
}

/** The error for a `Status` object: the body of an answer, or an ERROR event of a watch. */
export function fromStatus(
  status: JsonObject,
  answer: { status: number; retryAfter?: number | undefined },
  where: string,
): KubeError {
  const details = asRecord(status["details"]);
  const causes = details?.["causes"];
  const refusal: Refusal = {
    status: answer.status,
    plain: status["kind"] !== "Status",
    reason: text(status["reason"]),
    message: text(status["message"]),
    resource: text(details?.["kind"]),
    kind: [details?.["kind"], details?.["group"]]
      .map(text)
      .filter((part) => part !== "")
      .join("."),
    causes: (Array.isArray(causes) ? causes : []).map(readCause),
  };
  const row = TABLE.find(
    (each) => (each.status === "any" || each.status === refusal.status) && (each.when?.(refusal) ?? true),
  ) as Row;
  const fields = fieldsOf(refusal);
  const named = fields.length === 0 ? "" : `: ${fields.slice(0, 3).join(", ")}`;
  const seconds = details?.["retryAfterSeconds"];
  return new KubeError(row.class, `${row.words}${named}`, {
    status: refusal.status,
    reason: refusal.reason,
    fields,
    retryAfter: patience(answer.retryAfter ?? seconds),
    where,
  });
}

/** A proxy that says "in a week" would silence a site for a week. */
function patience(seconds: Json | undefined): number | undefined {
  return typeof seconds === "number" && seconds >= 0 ? Math.min(seconds, RETRY_AFTER_AT_MOST) : undefined;
}

/** For an answer of 2xx that is not what was asked for. */
export function garbled(words: string, where: string): KubeError {
  return new KubeError("server", `the API server sent ${words}`, { status: 200, reason: "", where });
}

function readCause(value: Json): Cause {
  const cause = asRecord(value);
  return { reason: text(cause?.["reason"]), message: text(cause?.["message"]), field: text(cause?.["field"]) };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The path that follows the object's name, before its complaint; the server stops at the first wrong field. */
const TYPED_PATH =
  /^failed to create typed patch object \([^)]*\): (?:errors:\s+)?((?:\.[\w$/-]+|\[[^\]\n]{0,80}\])+): /;
const FIELDS_AT_MOST = 16;

/** Field paths of the causes, else the one that a schema error begins with; nothing else of the words is kept. */
function fieldsOf(refusal: Refusal): string[] {
  const named = refusal.causes.map((cause) => cause.field).filter((field) => /\w/.test(field));
  const path = refusal.status === 500 ? TYPED_PATH.exec(refusal.message)?.[1] : undefined;
  return [...new Set(path === undefined ? named : [path])].slice(0, FIELDS_AT_MOST);
}
