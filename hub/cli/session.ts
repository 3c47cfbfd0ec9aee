import type { Journal } from "../../shared/ports.ts";

/** What the world gives to the program. */
export interface World {
  /** Where it was started. */
  folder: string;
  /** Milliseconds since 1970. */
  now: number;
  print(line: string): void;
  complain(line: string): void;
  journal?: Journal;
  /** Variables of the environment. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** What the commands get: the world, and where the fleet repository is said to be. */
export interface Session extends World {
  journal: Journal;
  env: Readonly<Record<string, string | undefined>>;
  /** What the program exits with, where nothing fails. */
  end(code: number): void;
  /** Absolute path of a file that the person named. */
  path(file: string): string;
  /** Folder given with --repo, or the one it was started in. */
  repo(): string;
}
