import type { Bundle } from "../../../shared/bundle.ts";
import { AppError } from "../../../shared/errors.ts";
import type { JsonObject, KubeObject } from "../../../shared/live.ts";
import { type RenderedBundle, type RenderInputs, render } from "../../../shared/render/render.ts";
import type { Delegation } from "../../../shared/root.ts";
import { reopen } from "../../../shared/verify/bundle.ts";
import { keys, signedBundle, siteDocument, trustedRoot } from "../../support/fleet.ts";

export const DIGEST = `sha256:${"1".repeat(64)}`;
export const IMAGE = `registry.example/till:1@${DIGEST}`;

/** These objects, signed as a bundle and rendered under this delegation. */
export function rendered(
  objects: readonly KubeObject[],
  delegation: Partial<Delegation> = {},
  bundle: Partial<Bundle> = {},
  inputs: RenderInputs = { record: siteDocument(), hub: {} },
): RenderedBundle {
  // By two, as the agent's own bundle has to be.
  const whole = { pattern: "pos*", keys: ["pos", "pos2"], threshold: 2, epoch: 1, namespaces: ["shop"], kinds: ["*"] };
  const root = trustedRoot({ bundles: [{ ...whole, ...delegation }] });
  const signers = { pos: keys.pos, pos2: keys.pos2 };
  const content = { images: [{ ref: "registry.example/till:1", digest: DIGEST }], ...bundle };
  const made = signedBundle(content, objects, signers);
  return render(reopen(made.document, "pos", root, made.checked), inputs);
}

/** Code, place and words of the refusal; anything else that is thrown is a bug. */
export function refusal(run: () => unknown): { code: string; where: string; words: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, where: error.where ?? "", words: error.message };
  }
  throw new Error("it was accepted");
}

export function object(apiVersion: string, kind: string, namespace: string | null, rest: JsonObject = {}): KubeObject {
  const metadata = { name: "till", ...(namespace === null ? {} : { namespace }) };
  return { apiVersion, kind, metadata, ...rest };
}

/** The same pod as each kind runs it, with the pointer of its spec. */
export const HOLDERS: Readonly<Record<string, { at: string; holds(spec: JsonObject): KubeObject }>> = {
  Pod: { at: "/spec", holds: (spec) => object("v1", "Pod", "shop", { spec }) },
  Deployment: {
    at: "/spec/template/spec",
    holds: (spec) => object("apps/v1", "Deployment", "shop", { spec: { template: { spec } } }),
  },
  StatefulSet: {
    at: "/spec/template/spec",
    holds: (spec) => object("apps/v1", "StatefulSet", "shop", { spec: { template: { spec } } }),
  },
  DaemonSet: {
    at: "/spec/template/spec",
    holds: (spec) => object("apps/v1", "DaemonSet", "shop", { spec: { template: { spec } } }),
  },
  ReplicaSet: {
    at: "/spec/template/spec",
    holds: (spec) => object("apps/v1", "ReplicaSet", "shop", { spec: { template: { spec } } }),
  },
  ReplicationController: {
    at: "/spec/template/spec",
    holds: (spec) => object("v1", "ReplicationController", "shop", { spec: { template: { spec } } }),
  },
  PodTemplate: { at: "/template/spec", holds: (spec) => object("v1", "PodTemplate", "shop", { template: { spec } }) },
  Job: {
    at: "/spec/template/spec",
    holds: (spec) => object("batch/v1", "Job", "shop", { spec: { template: { spec } } }),
  },
  CronJob: {
    at: "/spec/jobTemplate/spec/template/spec",
    holds: (spec) => object("batch/v1", "CronJob", "shop", { spec: { jobTemplate: { spec: { template: { spec } } } } }),
  },
};

/** Pinned to a digest that the bundle does not list. */
export const OTHER = `registry.example/till@sha256:${"2".repeat(64)}`;

export function deployment(spec: JsonObject = {}, rest: JsonObject = {}): KubeObject {
  const pod = { containers: [{ name: "till", image: IMAGE }], ...spec };
  return object("apps/v1", "Deployment", "shop", { spec: { template: { spec: pod } }, ...rest });
}

/** The deployment, as the overlay leaves it: the second file is the patch. */
export function overlaid(
  type: "strategic" | "json",
  patch: JsonObject,
  more: Partial<Bundle> = {},
  target = deployment(),
) {
  const overlays: Bundle["overlays"] = [{ sites: { ring: "lab" }, patch: "1-till.json", type }];
  const { apiVersion, kind, metadata } = target;
  const own = typeof patch["metadata"] === "object" ? (patch["metadata"] as JsonObject) : {};
  const file = { apiVersion, kind, ...patch, metadata: { ...metadata, ...own } } as KubeObject;
  return rendered([target, file], {}, { overlays, ...more });
}
