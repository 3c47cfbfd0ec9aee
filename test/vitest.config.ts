import { join } from "node:path";
import { configDefaults, defineConfig } from "vitest/config";

/** What `npm test` runs: all tests but those that need a real control plane. */
// oxlint-disable-next-line import/no-default-export, no-default-export -- where vitest looks for its configuration
export default defineConfig({
  test: {
    root: join(import.meta.dirname, ".."),
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "**/*.k8s.test.ts"],
    // Most tests wait for processes and sockets, not for the processor.
    maxWorkers: 5,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
