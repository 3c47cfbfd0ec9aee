import type { IncomingMessage } from "node:http";
import { load } from "js-yaml";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { apiVersionOf, type Kind } from "./kinds.ts";
import { isMap } from "./schema.ts";
import { badRequest, failure } from "./status.ts";

const LARGEST = 3 * 1024 * 1024;

/** Where a path leads: a collection (`name` empty), an object, or one of its subresources. */
export interface Address {
  group: string;
  version: string;
  namespace: string;
  plural: string;
  name: string;
  subresource: string;
}

/** null where the path is not one of resources. */
export function addressOf(path: string): Address | null {
  const words = path.split("/").slice(1).map(decodeURIComponent);
  const isCore = words[0] === "api";
  if (!isCore && words[0] !== "apis") return null;
  const [group = "", version = "", ...rest] = isCore ? ["", words[1] ?? "", ...words.slice(2)] : words.slice(1);
  const own = ["status", "finalize"].includes(rest[2] ?? "") && rest.length === 3;
  const isInside = rest[0] === "namespaces" && rest.length >= 3 && !own;
  const [plural = "", name = "", ...below] = isInside ? rest.slice(2) : rest;
  if (plural === "") return null;
  return { group, version, namespace: isInside ? (rest[1] ?? "") : "", plural, name, subresource: below.join("/") };
}

/** The bytes as text; over 3 MiB is 413. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= LARGEST) chunks.push(chunk as Buffer);
  }
  if (size > LARGEST) {
    const words = `Request entity too large: limit is ${LARGEST}`;
    throw failure(413, "RequestEntityTooLarge", words, {});
  }
  return Buffer.concat(chunks).toString("utf8");
}

export function readJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw badRequest(`the object provided is unrecognized: ${error instanceof Error ? error.message : "no JSON"}`);
  }
}

/**
 * An applied body is read as YAML even where it is JSON, and YAML takes fewer characters than JSON: U+0085 becomes a
 * space, and other controls are refused. A client that does not escape them must fail here as on a real server.
 */
export function readYaml(text: string): JsonObject {
  if (/(?![\t\n\r\u0085])[\p{Cc}\uFFFE\uFFFF]/u.test(text)) {
    throw badRequest("error decoding YAML: yaml: control characters are not allowed");
  }
  const folded = text.replaceAll("\u0085", " ");
  let value: unknown;
  try {
    value = folded.trimStart().startsWith("{") ? JSON.parse(folded) : load(folded);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : "no YAML"}`);
  }
  if (!isMap(value as Json)) throw badRequest("error decoding YAML: the body is no object");
  return value as JsonObject;
}

/** How a client wants objects: whole, or their metadata alone. Tables are not made: kubectl then takes objects. */
export function formOf(accept: string): "object" | "metadata" | null {
  for (const clause of accept === "" ? ["*/*"] : accept.split(",")) {
    const words = clause.split(";").map((word) => word.trim());
    const [type = ""] = words;
    if (!["application/json", "application/*", "*/*"].includes(type)) continue;
    const as = words.find((word) => word.startsWith("as="));
    if (as === undefined) return "object";
    if (/^as=PartialObjectMetadata(List)?$/.test(as) && words.includes("v=v1")) return "metadata";
  }
  return null;
}

export function shown(kind: Kind, object: KubeObject, form: "object" | "metadata"): JsonObject {
  if (form === "object") return { ...object, apiVersion: apiVersionOf(kind) };
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

/** The manager of a plain write that names none, as the server takes it from the client's name. */
export function managerOf(query: URLSearchParams, request: IncomingMessage): string {
  const named = query.get("fieldManager") ?? "";
  if (named !== "") return named;
  const [agent = ""] = (request.headers["user-agent"] ?? "").split("/");
  return agent === "" ? "unknown" : agent.slice(0, 128);
}
