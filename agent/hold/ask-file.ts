/** How people and programs at the site ask for a hold: files in the data folder, which outlive the agent and need none that runs. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod/mini";
import { AppError } from "../../shared/errors.ts";
import type { Ask } from "../target/held.ts";

const REASON_MAX = 120;

const written = z.strictObject({
  id: z.string().check(z.regex(/^[0-9a-f]{8}$/)),
  by: z.enum(["command", "page"]),
  reason: z.string(),
  forMs: z.nullable(z.int().check(z.positive())),
});

export interface AskFiles {
  /** What `skerry-agent hold` and the site page write. */
  asked: string;
  /** Holds the site while it is there, whoever made it; its first line is the reason. */
  flag: string;
}

export function askFilesOf(config: { dataDir: string; hold?: { file: string } | undefined }): AskFiles {
  return { asked: join(config.dataDir, "hold.json"), flag: config.hold?.file ?? join(config.dataDir, "hold") };
}

export function readAsks({ asked, flag }: AskFiles): Ask[] {
  const asks: Ask[] = [];
  if (existsSync(flag)) asks.push({ by: "file", id: "file", reason: oneLine(beginningOf(flag)), forMs: null });
  if (existsSync(asked)) asks.push(askOf(asked));
  return asks;
}

/** In place of what was asked before. Throws `storage`. */
export function writeAsk({ asked }: AskFiles, { reason, ...ask }: Omit<z.infer<typeof written>, "id">): void {
  const draft = `${asked}.new`;
  const body = { id: randomBytes(4).toString("hex"), ...ask, reason: oneLine(reason) };
  onDisk(asked, () => {
    writeFileSync(draft, JSON.stringify(body), { flush: true });
    renameSync(draft, asked);
    syncFolder(asked);
  });
}

/** Takes back what was asked by these files. Throws `storage`. */
export function takeBack({ asked, flag }: AskFiles): void {
  for (const file of [asked, flag]) {
    if (!existsSync(file)) continue;
    onDisk(file, () => {
      rmSync(file);
      syncFolder(file);
    });
  }
}

function onDisk(file: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
    throw new AppError("storage", `the disk refuses it${code}`, {
      where: file,
      fix: "check that this user may write there, and that there is room",
      cause,
    });
  }
}

/** One that cannot be read was meant to hold: it does, up to the cap. */
function askOf(file: string): Ask {
  try {
    const parsed = written.safeParse(JSON.parse(readFileSync(file, "utf8")));
    if (parsed.success) return { ...parsed.data, reason: oneLine(parsed.data.reason) };
  } catch {
    // Not JSON, or not to be read.
  }
  return { by: "file", id: "unreadable", reason: `${file} cannot be read`, forMs: null };
}

function beginningOf(file: string): string {
  try {
    const handle = openSync(file, "r");
    try {
      const bytes = Buffer.alloc(4 * REASON_MAX);
      return bytes.toString("utf8", 0, readSync(handle, bytes));
    } finally {
      closeSync(handle);
    }
  } catch {
    // A folder, or not ours to read: it is there, and that is what counts.
    return "";
  }
}

/** Reasons end up on terminals, pages and at the hub. */
export function oneLine(text: string): string {
  const [line = ""] = text.split(/[\r\n]/);
  return line
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029\uFFFD]/gu, " ")
    .trim()
    .slice(0, REASON_MAX)
    .toWellFormed();
}

function syncFolder(file: string): void {
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}
