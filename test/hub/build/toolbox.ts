import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { vi } from "vitest";

export interface Toolbox {
  /** Puts a shell script there, under a tool's name. */
  put(name: string, script: string): Promise<void>;
  take(name: string): Promise<void>;
}

/** A PATH that has git and nothing else. `vi.unstubAllEnvs()` brings the old one back. */
export async function toolbox(base: string): Promise<Toolbox> {
  const folder = join(base, "bin");
  await mkdir(folder);
  await symlink(execFileSync("sh", ["-c", "command -v git"]).toString().trim(), join(folder, "git"));
  vi.stubEnv("PATH", folder);
  return {
    put: (name, script) => writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
    take: (name) => rm(join(folder, name)),
  };
}
