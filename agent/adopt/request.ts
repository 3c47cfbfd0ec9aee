/** How `skerry-agent adopt` speaks to the agent that runs: a file asks, a file answers, in a folder that both know. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";

const request = z.strictObject({ id: z.string().check(z.regex(/^[0-9a-f]{8}$/)), folder: z.string() });
const answer = z.strictObject({ id: z.string(), failed: z.boolean(), lines: z.array(z.string()) });

export type AdoptRequest = z.infer<typeof request>;
export type AdoptAnswer = z.infer<typeof answer>;

/** Asks. Returns the id that the answer will name. */
export function writeRequest(room: string, folder: string): string {
  const id = randomBytes(4).toString("hex");
  mkdirSync(room, { recursive: true });
  write(join(room, "request.json"), { id, folder });
  return id;
}

/** null where there is none, or none that can be read. */
export function readRequest(room: string): AdoptRequest | null {
  return read(join(room, "request.json"), request);
}

/** The request goes with its answer: an agent that was killed before takes it up again. */
export function writeAnswer(room: string, given: AdoptAnswer): void {
  write(join(room, "answer.json"), given);
  if (readRequest(room)?.id === given.id) rmSync(join(room, "request.json"), { force: true });
}

export function readAnswer(room: string, id: string): AdoptAnswer | null {
  const found = read(join(room, "answer.json"), answer);
  return found?.id === id ? found : null;
}

/** Calls back at each change in the room. Returns the end of it. */
export function watchRequests(room: string, onChange: () => void): () => void {
  mkdirSync(room, { recursive: true });
  const watcher = watch(room, onChange);
  return () => watcher.close();
}

function write(file: string, content: object): void {
  const draft = `${file}.new`;
  writeFileSync(draft, JSON.stringify(content), { flush: true });
  renameSync(draft, file);
}

function read<T>(file: string, schema: z.ZodMiniType<T>): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
