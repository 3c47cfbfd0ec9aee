import { AppError } from "../../shared/errors.ts";

/** What a call throws; a test that expects an error fails where there is none. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The code of what a call throws; anything but an AppError is a bug. */
export function thrownCode(work: () => unknown): string {
  const error = thrownBy(work);
  if (error instanceof AppError) return error.code;
  throw error;
}
