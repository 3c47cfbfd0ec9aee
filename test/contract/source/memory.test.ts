import { memorySource } from "../../support/source.ts";
import { sourceSuite } from "./suite.ts";

sourceSuite("memory", async () => {
  const { source, commit, faults } = memorySource();
  return {
    source,
    commit,
    cut: (on) => {
      faults.cut = on;
    },
    damages: [
      (on) => {
        faults.damaged = on;
      },
    ],
    stop: () => source.close(),
  };
});
