import { AppError } from "../shared/errors.ts";

/** With file and line in the place of a JSON pointer into the file; any other error as it is. */
export function placed(error: unknown, where: (pointer: string) => string): unknown {
  if (!(error instanceof AppError) || error.where?.startsWith("/") !== true) return error;
  const { code, message, fix, cause } = error;
  return new AppError(code, message, { where: where(error.where), cause, ...(fix !== undefined && { fix }) });
}
