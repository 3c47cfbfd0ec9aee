import { afterAll, beforeAll, describe } from "vitest";
import type { KindRef, Kube } from "../../../agent/apply/kube.ts";
import { applying } from "./applying.ts";
import { collecting } from "./collecting.ts";
import { defining } from "./defining.ts";
import { owning } from "./owning.ts";
import { refusing } from "./refusing.ts";
import { removing } from "./removing.ts";
import { running } from "./running.ts";
import { watching } from "./watching.ts";

export interface KubeUnderTest {
  /** As the site's agent, who may do everything; or as a stranger, whom RBAC allows nothing but discovery. */
  connect(as: "agent" | "stranger"): Promise<Kube & { close(): void }>;
  /** There, empty, and of this run alone. Names that start with it may be used for further namespaces. */
  namespace: string;
  /** A kind, and a resource version that the server no longer can resume a watch of it from. */
  expired(): Promise<{ kind: KindRef; resourceVersion: string }>;
  cleanup(): Promise<void>;
}

/** What the parts of the suite share; filled before the first test. */
export interface Ground {
  under: KubeUnderTest;
  kube: Kube;
  namespace: string;
}

/** `controllers`: garbage, namespaces and workloads are looked after. `stuck`: nodes leave pods of that label unready. */
export type Leg = "controllers" | "stuck";

/**
 * The contract of port `kube`: the same tests for the lab's API server and a real one. `missing`: legs that cannot run
 * here, each with its reason; they are printed and left out.
 */
export function kubeContract(
  name: string,
  setup: () => Promise<KubeUnderTest>,
  missing: Partial<Record<Leg, string>> = {},
): void {
  for (const [leg, reason] of Object.entries(missing)) console.warn(`port kube: ${name}: left out ${leg}: ${reason}`);
  const has = (leg: Leg) => missing[leg] === undefined;
  describe(`port kube: ${name}`, { timeout: 60_000 }, () => {
    const ground = {} as Ground;
    let close = () => {};
    beforeAll(async () => {
      ground.under = await setup();
      const kube = await ground.under.connect("agent");
      close = () => kube.close();
      ground.kube = kube;
      ground.namespace = ground.under.namespace;
    }, 60_000);
    afterAll(async () => {
      close();
      await ground.under?.cleanup();
    }, 60_000);

    describe("apply", () => applying(ground));
    describe("who owns what", () => owning(ground));
    describe("remove", () => removing(ground));
    describe("watch and list", () => watching(ground));
    describe("refusals", () => refusing(ground));
    describe("definitions", () => defining(ground));
    if (has("controllers")) {
      describe("garbage", () => collecting(ground));
      describe("workloads", () => running(ground, has("stuck")));
    }
  });
}
