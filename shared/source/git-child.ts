/**
 * The child process that speaks Git: asked over IPC, one question at a time. It is apart from its parent because
 * isomorphic-git inflates without a bound: the process has a memory cap instead, and its end costs nobody anything.
 */
import { Errors } from "isomorphic-git";
import { AppError, assertNever } from "../errors.ts";
import { GitFolder } from "./git-folder.ts";
import type { GitAsk, GitReply, GitRequest } from "./git-messages.ts";

let folder: GitFolder | undefined;

process.on("message", (request: GitRequest) => {
  void reply(request).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

async function reply({ remote, ask }: GitRequest): Promise<GitReply> {
  folder ??= new GitFolder(remote);
  try {
    return { answer: await perform(folder, ask) };
  } catch (cause) {
    const error = cause instanceof AppError ? cause : fromGit(cause);
    if (error.code === "malformed" || error.code === "storage") await folder.discard();
    return { code: error.code, what: error.message, ...(error.fix !== undefined && { fix: error.fix }) };
  }
}

function perform(folder: GitFolder, ask: GitAsk) {
  switch (ask.call) {
    case "heads":
      return folder.heads();
    case "documents":
      return folder.documents(ask);
    case "log":
      return folder.log(ask);
    case "file":
      return folder.file(ask);
    case "list":
      return folder.list(ask);
    default:
      return assertNever(ask);
  }
}

function fromGit(cause: unknown): AppError {
  if (cause instanceof Errors.HttpError) return fromStatus(cause.data.statusCode, cause);
  if (cause instanceof Errors.NotFoundError) return new AppError("not-found", cause.message, { cause });
  const { code, syscall, message = String(cause) } = cause as NodeJS.ErrnoException;
  if (code === "ERR_MEMORY_ALLOCATION_FAILED" || message.includes("allocation failed")) {
    return new AppError("too-large", "what the server sent does not fit into the memory allowed", { cause });
  }
  if (syscall !== undefined) return new AppError("storage", message, { cause });
  return new AppError("malformed", `not what a Git server sends: ${message}`, { cause });
}

function fromStatus(status: number, cause: Error): AppError {
  if (status === 404) return new AppError("not-found", "the server has no such repository", { cause });
  if (status === 401 || status === 403) {
    const fix = "check the token, and that it may read this repository";
    return new AppError("unreachable", `the server answers ${status}: access refused`, { cause, fix });
  }
  return new AppError("unreachable", `the server answers ${status}`, { cause });
}
