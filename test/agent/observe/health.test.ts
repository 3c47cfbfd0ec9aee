import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { healthOf } from "../../../agent/observe/health.ts";
import { judge, summarise } from "../../../agent/observe/observed.ts";
import { compileCel } from "../../../shared/cel.ts";
import type { Json, LiveView } from "../../../shared/live.ts";
import { readYaml } from "../../../shared/node/yaml.ts";
import { rendered } from "../../shared/render/sample.ts";
import { configMap } from "../../support/fleet.ts";
import { observed } from "./sample.ts";

const FOLDER = new URL("../../golden/health/", import.meta.url);

const cases = z.array(
  z.strictObject({
    case: z.string(),
    /** CEL of the bundle for this kind. */
    rule: z.optional(z.string()),
    object: z.looseObject({
      apiVersion: z.string(),
      kind: z.string(),
      metadata: z.optional(z.record(z.string(), z.json())),
    }),
    is: z.enum(["healthy", "progressing", "failed"]),
    because: z.optional(z.string()),
  }),
);

describe.each(readdirSync(FOLDER))("%s", (file) => {
  const table = readYaml(readFileSync(new URL(file, FOLDER), "utf8"), file, cases);

  it.each(table.map((entry): [string, (typeof table)[number]] => [entry.case, entry]))("%s", (_title, entry) => {
    const metadata = { name: "till", ...entry.object.metadata };
    const rule = entry.rule === undefined ? undefined : compileCel(entry.rule, entry.case);
    const object = { ...(entry.object as Record<string, Json>), ...entry.object, metadata };
    const verdict = healthOf(object, rule);
    expect(verdict).toEqual({
      health: entry.is,
      ...(entry.because === undefined ? {} : { because: entry.because }),
    });
  });
});

describe("a bundle as a whole", () => {
  const names = ["a", "b", "c"];
  const bundle = rendered(names.map((name) => configMap(name)));
  const view = (objects: ReturnType<typeof observed>[], unseen: [string, string][] = []): LiveView => ({
    objects: new Map(objects.map((each) => [`v1 ConfigMap shop/${each.ref.name}`, each])),
    unseen: new Map(unseen),
  });

  it("is healthy when every object is", () => {
    const live = view(names.map((name) => observed(configMap(name))));
    expect(summarise(judge(bundle, live, new Map(), 0))).toEqual({
      total: 3,
      healthy: 3,
      verdict: { health: "healthy" },
    });
  });

  it("names what is failed before what is only on its way", () => {
    const live = view([
      observed(configMap("a"), { verdict: { health: "progressing", because: "waits" } }),
      observed(configMap("b"), { verdict: { health: "failed", because: "is broken" } }),
      observed(configMap("c")),
    ]);
    const verdict = { health: "failed", because: "v1 ConfigMap shop/b is broken" };
    expect(summarise(judge(bundle, live, new Map(), 0))).toEqual({ total: 3, healthy: 1, verdict });
  });

  it("is not healthy with an object that is not there", () => {
    const live = view([observed(configMap("a")), observed(configMap("c"))]);
    const verdict = { health: "progressing", because: "v1 ConfigMap shop/b is not there" };
    expect(summarise(judge(bundle, live, new Map(), 0))).toEqual({ total: 3, healthy: 2, verdict });
  });

  it("is not healthy while its objects cannot be seen: unknown is not healthy", () => {
    const live = view(
      names.map((name) => observed(configMap(name))),
      [["v1 ConfigMap", "the watch is broken"]],
    );
    const verdict = { health: "progressing", because: "v1 ConfigMap shop/a cannot be seen: the watch is broken" };
    expect(summarise(judge(bundle, live, new Map(), 0))).toEqual({ total: 3, healthy: 0, verdict });
  });
});
