/**
 * The child process that speaks Git: asked over IPC, one question at a time. It is apart from its parent because
 * isomorphic-git inflates without a bound: the process has a memory cap instead, and its end costs nobody anything.
 */
import { AppError, assertNever } from "../errors.ts";
import { GitFolder } from "./git-folder.ts";
import type { GitAsk, GitReply, GitRequest } from "./git-messages.ts";

let folder: GitFolder | undefined;

process.on("message", (request: GitRequest) => {
  void reply(request).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

async function reply({ remote, ask }: GitRequest): Promise<GitReply> {
  try {
    folder ??= new GitFolder(remote);
    return { answer: await perform(folder, ask) };
  } catch (cause) {
    const error = cause instanceof AppError ? cause : fromGit(cause);
    return { code: error.code, what: error.message, ...(error.fix !== undefined && { fix: error.fix }) };
  }
}

function perform(folder: GitFolder, ask: GitAsk) {
  switch (ask.call) {
    case "heads":
      return folder.heads(ask);
    case "documents":
      return folder.documents(ask);
    case "log":
      return folder.log(ask);
    case "file":
      return folder.file(ask);
    case "changed":
      return folder.changed(ask);
    case "list":
      return folder.list(ask);
    default:
      return assertNever(ask);
  }
}

function fromGit(cause: unknown): AppError {
  const { code, syscall, message = String(cause) } = cause as NodeJS.ErrnoException;
  if (code === "ERR_MEMORY_ALLOCATION_FAILED" || message.includes("allocation failed")) {
    return new AppError("too-large", "what the server sent does not fit into the memory allowed", { cause });
  }
  if (syscall !== undefined) return new AppError("storage", message, { cause });
  return new AppError("malformed", `what the server sent is damaged, or not all of it: ${message}`, { cause });
}
