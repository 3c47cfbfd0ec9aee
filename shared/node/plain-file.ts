import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { AppError } from "../errors.ts";

/** Not followed where the last part is a link, and never waited for: a pipe that nobody writes to opens at once. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file in a folder that somebody else may have filled, as a stick is. null where there is none. Throws `malformed` for
 * anything but a plain file that lies inside the folder, and what the system throws.
 */
export async function openPlain(folder: string, path: string): Promise<FileHandle | null> {
  try {
    const top = await realpath(folder);
    const file = await realpath(join(top, path));
    if (!file.startsWith(top + sep)) throw odd(path, "a link that leads out of the folder");
    const handle = await open(file, FLAGS);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw odd(path, "not a plain file");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    // What cannot be opened without waiting (ENXIO), or is reached only by going round in circles, is no file either.
    throw code === "ENXIO" || code === "ELOOP" ? odd(path, "not a plain file", cause) : cause;
  }
}

function odd(path: string, what: string, cause?: unknown): AppError {
  return new AppError("malformed", what, { where: path, cause });
}
