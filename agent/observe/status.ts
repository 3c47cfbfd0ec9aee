import type { Verdict } from "../../shared/health.ts";
import { type JsonObject, members } from "../../shared/live.ts";

/** How the status of an object is read, and what is said of it. Nothing in it is trusted to have its shape. */

export function progressing(because: string): Verdict {
  return { health: "progressing", because };
}

export function failed(because: string): Verdict {
  return { health: "failed", because };
}

export function count(of: JsonObject, key: string, otherwise = 0): number {
  const value = of[key];
  return typeof value === "number" ? value : otherwise;
}

export function condition(status: JsonObject, type: string): JsonObject | undefined {
  return members(status, "conditions").find((entry) => entry["type"] === type);
}

export function isTrue(of: JsonObject | undefined): boolean {
  return of?.["status"] === "True";
}

/**
 * With the reason that the object gives, where it is one word as Kubernetes has reasons: its messages are never carried on,
 * they can hold values.
 */
export function withReason(words: string, of: JsonObject | undefined): string {
  const reason = of?.["reason"];
  return typeof reason === "string" && /^[A-Za-z][\w,:]{0,99}$/.test(reason) ? `${words}: ${reason}` : words;
}
