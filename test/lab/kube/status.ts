import type { Json, JsonObject } from "../../../shared/live.ts";
import { type Kind, resourceOf } from "./kinds.ts";

export interface Cause {
  reason: string;
  message: string;
  field?: string;
}

/** An answer that is no success: a `Status` as Kubernetes words it, or plain text. */
export class Refusal extends Error {
  readonly code: number;
  readonly body: JsonObject | string;
  readonly headers: Record<string, string>;

  constructor(code: number, body: JsonObject | string, headers: Record<string, string> = {}) {
    super(typeof body === "string" ? body : String(body["message"]));
    this.code = code;
    this.body = body;
    this.headers = headers;
  }
}

/** `details` names what was asked for: kind is the plural, as in most of Kubernetes's answers. */
export function failure(code: number, reason: string, message: string, details?: JsonObject): Refusal {
  return new Refusal(code, statusOf(code, reason, message, details));
}

export function statusOf(code: number, reason: string, message: string, details?: JsonObject): JsonObject {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    ...(reason === "" ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
}

function detailsOf(kind: Kind, name: string, causes: Cause[] = [], useKind = false): JsonObject {
  return {
    ...(name === "" ? {} : { name }),
    ...(kind.group === "" ? {} : { group: kind.group }),
    kind: useKind ? kind.kind : kind.plural,
    ...(causes.length === 0 ? {} : { causes: causes as unknown as Json }),
  };
}

export function notFound(kind: Kind, name: string): Refusal {
  return failure(404, "NotFound", `${resourceOf(kind)} "${name}" not found`, detailsOf(kind, name));
}

export function unknownResource(): Refusal {
  return failure(404, "NotFound", "the server could not find the requested resource", {});
}

export function pageNotFound(): Refusal {
  return new Refusal(404, "404 page not found\n");
}

export function alreadyExists(kind: Kind, name: string): Refusal {
  return failure(409, "AlreadyExists", `${resourceOf(kind)} "${name}" already exists`, detailsOf(kind, name));
}

export function conflict(kind: Kind, name: string, why: string): Refusal {
  const words = `Operation cannot be fulfilled on ${resourceOf(kind)} "${name}": ${why}`;
  return failure(409, "Conflict", words, detailsOf(kind, name));
}

export const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

export function badRequest(message: string): Refusal {
  return failure(400, "BadRequest", message);
}

export function forbidden(kind: Kind, name: string, why: string, causes: Cause[] = []): Refusal {
  const what = name === "" ? resourceOf(kind) : `${resourceOf(kind)} "${name}"`;
  return failure(403, "Forbidden", `${what} is forbidden: ${why}`, detailsOf(kind, name, causes));
}

/** A field's fault as `field.Error` of apimachinery prints it: `spec.x: Invalid value: "y": words`. */
export interface FieldFault {
  type: "Invalid" | "Forbidden" | "Required" | "Duplicate" | "Unsupported" | "TooLong";
  field: string;
  value?: Json;
  words: string;
}

const FAULT_WORDS: Record<FieldFault["type"], string> = {
  Invalid: "Invalid value",
  Forbidden: "Forbidden",
  Required: "Required value",
  Duplicate: "Duplicate value",
  Unsupported: "Unsupported value",
  TooLong: "Too long",
};

const FAULT_REASONS: Record<FieldFault["type"], string> = {
  Invalid: "FieldValueInvalid",
  Forbidden: "FieldValueForbidden",
  Required: "FieldValueRequired",
  Duplicate: "FieldValueDuplicate",
  Unsupported: "FieldValueNotSupported",
  TooLong: "FieldValueTooLong",
};

export function invalid(kind: Kind, name: string, faults: FieldFault[]): Refusal {
  const causes = faults.map((fault): Cause => {
    const value = fault.value === undefined ? "" : `: ${JSON.stringify(fault.value)}`;
    const words = fault.words === "" ? "" : `: ${fault.words}`;
    return {
      reason: FAULT_REASONS[fault.type],
      message: `${FAULT_WORDS[fault.type]}${value}${words}`,
      field: fault.field,
    };
  });
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const what = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const all = lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`;
  return failure(422, "Invalid", `${what} "${name}" is invalid: ${all}`, detailsOf(kind, name, causes, true));
}

/** What Kubernetes can do and this server does not: never a pretence. */
export function notImplemented(what: string): Refusal {
  return failure(501, "NotImplemented", `the lab's API server does not do this: ${what}`);
}
