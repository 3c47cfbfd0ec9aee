import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { findBuildTools } from "./build-tools.ts";

test("an empty cache without Go: what needs the tools is told why it cannot run", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "skerry-tools-"));
  vi.stubEnv("PATH", folder);
  try {
    const found = await findBuildTools({ SKERRY_CACHE: folder });
    expect(found).toEqual({ cannotRun: expect.stringContaining("needs Go") });
  } finally {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  }
});
