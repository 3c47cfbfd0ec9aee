import path from "node:path";
import { defineConfig } from "vitest/config";

/** What needs a real control plane: run by run.ts, which starts one. */
// oxlint-disable-next-line import/no-default-export, no-default-export -- where vitest looks for its configuration
export default defineConfig({
  test: {
    root: path.join(import.meta.dirname, "../.."),
    include: ["test/k8s/**/*.k8s.test.ts", "test/contract/kube/**/*.k8s.test.ts"],
    // One file at a time: the control planes and the tests share the machine.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
