import { existsSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../errors.ts";
import { openPlain } from "../node/plain-file.ts";
import { whole } from "./mirror-files.ts";
import { at, INDEX_MAX_BYTES, readIndex } from "./mirror-layout.ts";
import { mirrorSource } from "./mirror-source.ts";
import type { Source } from "./source.ts";

/** Port `source` over a mirror that lies in a folder: a USB stick or a share. Absent it is `unreachable`. */
export function directorySource(folder: string): Source {
  return mirrorSource({
    address: folder,
    index: async () => {
      const file = await openIn(folder, at.index);
      if (file !== null) return readIndex(await whole(chunksOf(file, folder, INDEX_MAX_BYTES)));
      throw unreachable(folder, new Error("the mirror is being written"));
    },
    open: async (path, maxBytes) => {
      const file = await openIn(folder, path);
      return file === null ? null : chunksOf(file, folder, maxBytes);
    },
    close: async () => {},
  });
}

/** null where the mirror has no such file. */
async function openIn(folder: string, path: string): Promise<FileHandle | null> {
  const file = await openPlain(folder, path).catch((cause: unknown) => {
    throw cause instanceof AppError ? cause : unreachable(folder, cause);
  });
  // A stick that was pulled out says nothing of what is on it.
  if (file !== null || existsSync(join(folder, at.index))) return file;
  throw new AppError("unreachable", "there is no mirror in this folder", {
    where: folder,
    fix: "connect and mount it; it is filled with `skerry publish --to DIR`",
  });
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

function unreachable(folder: string, cause: unknown): AppError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AppError("unreachable", `cannot be read: ${why}`, { where: folder, cause });
}
