import { loadAll } from "js-yaml";
import { expect, test } from "vitest";
import { leavingOutStuckPods } from "./stages.ts";

const stage = (name: string): string => `kind: Stage
metadata: { name: ${name} }
spec:
  selector:
    matchExpressions: [{ key: .status.phase, operator: In, values: [Pending] }]
  next: { statusTemplate: "phase: Running" }
`;

test("only pod-ready leaves out the stuck pods, and keeps what it had", () => {
  const changed = loadAll(leavingOutStuckPods([stage("pod-ready"), stage("pod-delete")].join("---\n")));
  const [before] = loadAll(stage("pod-delete"));
  expect(changed[1]).toEqual(before);
  expect(changed[0]).toMatchObject({
    metadata: { name: "pod-ready" },
    spec: {
      selector: {
        matchExpressions: [
          { key: ".status.phase", operator: "In", values: ["Pending"] },
          { key: '.metadata.labels["skerry.dev/test"]', operator: "NotIn", values: ["stuck"] },
        ],
      },
      next: { statusTemplate: "phase: Running" },
    },
  });
});

test("stages without pod-ready are refused: every pod would be stuck", () => {
  expect(() => leavingOutStuckPods(stage("pod-delete"))).toThrow("no pod-ready");
});
