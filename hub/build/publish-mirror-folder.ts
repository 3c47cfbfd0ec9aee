import { mkdir, open, readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, sep } from "node:path";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { openPlain } from "../../shared/node/plain-file.ts";
import { SIGNED_FRAME_MAX_BYTES } from "../../shared/node/signed-frame.ts";
import { zstd } from "../../shared/node/zstd.ts";
import type { Journal } from "../../shared/ports.ts";
import { readable } from "../../shared/source/mirror-layout.ts";

/** Who publishes to a folder at the moment; also what a killed publisher leaves. */
const LOCK = ".lock";
/** So long a lock may be without words. */
const WORDLESS_MS = 10_000;

/** The folder of a mirror. Every file in it is there whole or not at all, whenever this stops. */
export class MirrorFolder {
  readonly #top: string;
  readonly #journal: Journal;
  readonly #written = new Set<string>();

  constructor(top: string, journal: Journal) {
    this.#top = top;
    this.#journal = journal;
  }

  /** null where there is none. */
  read(path: string): Promise<Buffer | null> {
    return readPlain(this.#top, path);
  }

  /** Names in a folder, sorted; none where there is no such folder. */
  async names(path: string): Promise<string[]> {
    return ((await readdir(join(this.#top, path)).catch(absent)) ?? []).toSorted();
  }

  /** Leaves a file that has these bytes already as it is. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    if ((await this.read(path))?.equals(Buffer.from(content)) === true) return;
    await this.#effect("mirror.write", path, async (file, between) => {
      await writeNew(beside(file), content);
      between();
      await rename(beside(file), file);
    });
  }

  /** A list in both its forms; what programs read comes last. */
  async writeList(path: string, list: unknown): Promise<void> {
    const text = canonicalJson(list);
    await this.write(readable(path), text);
    await this.write(path, zstd(Buffer.from(text)));
  }

  async remove(path: string): Promise<void> {
    this.#journal("mirror.remove", "before");
    await rm(join(this.#top, path), { force: true }).catch((cause: unknown) => Promise.reject(failed(path, cause)));
    this.#journal("mirror.remove", "after");
  }

  /** A folder with exactly these files. What lay there before is deleted. */
  async putFolder(path: string, files: readonly { path: string; bytes: Uint8Array }[]): Promise<void> {
    await this.#effect("mirror.version", path, async (folder, between) => {
      const unfinished = beside(folder);
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished);
      for (const { path, bytes } of files) await writeNew(join(unfinished, path), bytes);
      await syncFolder(unfinished);
      between();
      await rm(folder, { recursive: true, force: true });
      await rename(unfinished, folder);
    });
  }

  /** Returns when what was written cannot be lost by a power cut: what is written next may then speak of it. */
  async sync(): Promise<void> {
    for (const folder of this.#written) await syncFolder(folder);
    this.#written.clear();
  }

  async #effect(effect: string, path: string, run: (file: string, between: () => void) => Promise<void>) {
    const file = join(this.#top, path);
    const folder = dirname(file);
    try {
      await mkdir(folder, { recursive: true });
      // A stick comes from somewhere: what is written to it must not end up beside it.
      if (!`${await realpath(folder)}${sep}`.startsWith(`${await realpath(this.#top)}${sep}`)) {
        throw new AppError("storage", "a link leads out of the mirror", { where: path, fix: "take another folder" });
      }
      this.#journal(effect, "before");
      await run(file, () => this.#journal(effect, "between"));
      this.#journal(effect, "after");
    } catch (cause) {
      await rm(beside(file), { recursive: true, force: true }).catch(() => {});
      throw failed(path, cause);
    }
    this.#written.add(folder);
  }
}

/** Runs with a folder that nobody else publishes to meanwhile. Throws `busy` where somebody does. */
export async function withMirror<T>(
  folder: string,
  journal: Journal,
  run: (mirror: MirrorFolder) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => Promise.reject(failed(folder, cause)));
  journal("mirror.lock", "before");
  await takeLock(folder);
  journal("mirror.lock", "after");
  try {
    return await run(new MirrorFolder(folder, journal));
  } finally {
    journal("mirror.unlock", "before");
    await rm(join(folder, LOCK), { force: true });
    journal("mirror.unlock", "after");
  }
}

async function takeLock(folder: string): Promise<void> {
  const lock = join(folder, LOCK);
  const own = `${hostname()} ${process.pid}\n`;
  const taken = await writeFile(lock, own, { flag: "wx" }).then(
    () => true,
    async (cause: NodeJS.ErrnoException) => {
      if (cause.code === "EEXIST") return false;
      await rm(lock, { force: true }).catch(() => {});
      throw failed(lock, cause);
    },
  );
  if (taken) return;
  const held = String((await readPlain(folder, LOCK)) ?? "");
  const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() }));
  const busy = new AppError("busy", "somebody publishes to this folder at the moment", {
    where: lock,
    fix: "wait for it; delete this file where you know that nobody does",
  });
  if (isAlive(held, Date.now() - mtimeMs)) throw busy;
  // Moved away before it is deleted: of two that find it at once, one sees that it moved the other's.
  const left = `${LOCK}.${process.pid}`;
  await rename(lock, join(folder, left)).catch(() => Promise.reject(busy));
  if (String(await readPlain(folder, left)) !== held) {
    await rename(join(folder, left), lock);
    throw busy;
  }
  await rm(join(folder, left));
  await takeLock(folder);
}

/** Of another machine nobody knows. Without words it is of somebody who is about to write them, or was killed before. */
function isAlive(held: string, ageMs: number): boolean {
  const [host, pid] = held.trim().split(" ");
  if (pid === undefined) return ageMs < WORDLESS_MS;
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** null where there is none. Whoever had the folder before may have put anything in it. */
async function readPlain(folder: string, path: string): Promise<Buffer | null> {
  const file = await openPlain(folder, path).catch((cause: unknown) => Promise.reject(failed(path, cause)));
  try {
    if (file === null) return null;
    const { size } = await file.stat();
    if (size <= SIGNED_FRAME_MAX_BYTES) return await file.readFile();
    throw new AppError("too-large", `${size} bytes, at most ${SIGNED_FRAME_MAX_BYTES} are read`, { where: path });
  } finally {
    await file?.close();
  }
}

function beside(file: string): string {
  return join(dirname(file), `.${basename(file)}.unfinished`);
}

/** Never through a link that lies there. */
async function writeNew(file: string, content: string | Uint8Array): Promise<void> {
  await rm(file, { recursive: true, force: true });
  await writeFile(file, content, { flag: "wx", flush: true });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } catch (cause) {
    // Some file systems know no such thing for folders.
    if (!["EINVAL", "ENOTSUP", "EPERM"].includes((cause as NodeJS.ErrnoException).code ?? ""))
      throw failed(folder, cause);
  } finally {
    await handle.close();
  }
}

function absent(cause: NodeJS.ErrnoException): null {
  if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return null;
  throw failed(cause.path ?? "", cause);
}

function failed(where: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const what = cause instanceof Error ? cause.message : String(cause);
  return new AppError("storage", `cannot be written: ${what}`, {
    where,
    cause,
    fix: "make room or mend the folder, and run this again: it completes what is there",
  });
}
