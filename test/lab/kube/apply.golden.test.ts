import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Json, JsonObject, KubeObject } from "../../../shared/live.ts";
import { applyTo, trackUpdate } from "./apply.ts";
import { type FieldSet, fromFieldsV1, pathText, toFieldsV1 } from "./field-set.ts";
import { type Managers, withoutServerFields } from "./managed-fields.ts";
import { DEDUCED } from "./schema.ts";

/**
 * Random scenarios of applies and updates by several managers, answered by structured-merge-diff 6.3 itself
 * (`oracle/main.go`): the merged object, who owns what, and the conflicts must all be the same.
 */
interface Step {
  op: "apply" | "update";
  manager: string;
  force: boolean;
  object: KubeObject;
  answer: { conflicts: string[]; object: Json; managers: { [manager: string]: JsonObject } };
}

const golden = readFileSync(new URL("apply.golden.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n");
const scenarios = golden.map((line) => JSON.parse(line) as { type: string; steps: Step[] });

/** As it is stored: without what no manager is named for. */
function owned(fields: FieldSet): JsonObject {
  return toFieldsV1(withoutServerFields(fields));
}

function nonEmpty(managers: [string, JsonObject][]): { [manager: string]: JsonObject } {
  return Object.fromEntries(managers.filter(([, fields]) => Object.keys(fields).length > 0));
}

test.each(scenarios)("scenario %# of $type is merged as Kubernetes merges it", ({ type, steps }) => {
  const ref = type === "deduced" ? DEDUCED : type;
  let live: KubeObject | null = null;
  let managers: Managers = new Map();
  for (const { op, manager, force, object, answer } of steps) {
    const writer = {
      name: manager,
      operation: op === "apply" ? "Apply" : "Update",
      apiVersion: "v1",
      subresource: "",
    } as const;
    let conflicts: string[] = [];
    if (op === "apply") {
      const result = applyTo(ref, live, object, { managers, writer, force, reset: [] });
      if ("conflicts" in result) {
        conflicts = result.conflicts.map((one) => `${one.manager.name} ${pathText(one.path)}`);
      } else {
        live = result.object;
        managers = result.managers;
      }
    } else {
      managers = trackUpdate(ref, live, object, { managers, writer, reset: [] });
      live = object;
    }
    expect(conflicts.toSorted()).toEqual([...answer.conflicts].toSorted());
    expect(live ?? {}).toEqual(answer.object);
    const theirs = Object.entries(answer.managers).map(([name, fields]): [string, JsonObject] => [
      name,
      owned(fromFieldsV1(fields)),
    ]);
    const ours = [...managers.values()].map((one): [string, JsonObject] => [one.name, owned(one.fields)]);
    expect(nonEmpty(ours)).toEqual(nonEmpty(theirs));
  }
});
