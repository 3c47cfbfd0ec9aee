import { constants, existsSync } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { AppError } from "../errors.ts";
import { whole } from "./mirror-files.ts";
import { at, INDEX_MAX_BYTES, readIndex } from "./mirror-layout.ts";
import { mirrorSource } from "./mirror-source.ts";
import type { Source } from "./source.ts";

/** Not followed where the last part is a link, and never waited for: a pipe that nobody writes to opens at once. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const GONE = new Set(["ENOENT", "ENOTDIR"]);

/** Port `source` over a mirror that lies in a folder: a USB stick or a share. Absent it is `unreachable`. */
export function directorySource(folder: string): Source {
  return mirrorSource({
    address: folder,
    index: async () => {
      const file = await openPlain(folder, at.index);
      if (file !== null) return readIndex(await whole(chunksOf(file, folder, INDEX_MAX_BYTES)));
      throw unreachable(folder, new Error("the mirror is being written"));
    },
    open: async (path, maxBytes) => {
      const file = await openPlain(folder, path);
      return file === null ? null : chunksOf(file, folder, maxBytes);
    },
    close: async () => {},
  });
}

/** null where there is none. Throws `malformed` for anything but a file that lies inside the folder. */
async function openPlain(folder: string, path: string): Promise<FileHandle | null> {
  try {
    const top = await realpath(folder);
    const file = await realpath(join(top, path));
    if (!file.startsWith(top + sep)) throw odd(path, "a link that leads out of the folder");
    const handle = await open(file, FLAGS);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw odd(path, "not a plain file");
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    // What cannot be opened without waiting (ENXIO), or is reached only by going round in circles, is no file either.
    if (code === "ENXIO" || code === "ELOOP") throw odd(path, "not a plain file", cause);
    if (code === undefined || !GONE.has(code)) throw unreachable(folder, cause);
    // A stick that was pulled out says nothing of what is on it.
    if (existsSync(join(folder, at.index))) return null;
    throw new AppError("unreachable", "there is no mirror in this folder", {
      where: folder,
      fix: "connect and mount it; it is filled with `skerry publish --to DIR`",
    });
  }
}

async function* chunksOf(file: FileHandle, folder: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  try {
    for (let left = maxBytes; ; ) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(64 * 1024) });
      if (bytesRead === 0) return;
      left -= bytesRead;
      if (left < 0) throw new AppError("too-large", `a file of more than ${maxBytes} bytes`, { where: folder });
      yield buffer.subarray(0, bytesRead);
    }
  } catch (cause) {
    throw cause instanceof AppError ? cause : unreachable(folder, cause);
  } finally {
    await file.close();
  }
}

function odd(path: string, what: string, cause?: unknown): AppError {
  return new AppError("malformed", what, { where: path, cause });
}

function unreachable(folder: string, cause: unknown): AppError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AppError("unreachable", `cannot be read: ${why}`, { where: folder, cause });
}
