import { type KubeObject, members, type ObjectRef } from "../../shared/live.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";

/** What a bundle brings along that other objects of it may need, before an API server can judge them. */
export interface Brings {
  namespaces: ReadonlySet<string>;
  definitions: Definitions;
  /** Rules of its admission webhooks. */
  webhooks: readonly { groups: readonly string[]; resources: readonly string[] }[];
}

const WEBHOOKS = new Set(["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]);

export function bringsOf(objects: readonly KubeObject[]): Brings {
  return {
    namespaces: new Set(objects.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name)),
    definitions: definitionsOf(objects),
    webhooks: objects
      .filter(({ kind }) => WEBHOOKS.has(kind))
      .flatMap((object) => members(object, "webhooks"))
      .flatMap((webhook) => members(webhook, "rules"))
      .map((rule) => ({ groups: texts(rule["apiGroups"]), resources: texts(rule["resources"]) })),
  };
}

/** An object that others wait for: it is asked about before them. */
export function isGround({ kind }: ObjectRef): boolean {
  return kind === "Namespace" || kind === "CustomResourceDefinition";
}

export function isWebhook({ kind }: ObjectRef): boolean {
  return WEBHOOKS.has(kind);
}

/** Whether one of these webhooks will look at such an object. Resources are plurals, which a kind does not tell for certain. */
export function seenBy(webhooks: Brings["webhooks"], { apiVersion, kind }: ObjectRef): boolean {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const word = kind.toLowerCase();
  const plurals = new Set(["*", "*/*", `${word}s`, `${word}es`, `${word.replace(/y$/, "ie")}s`]);
  return webhooks.some(
    ({ groups, resources }) =>
      (groups.includes("*") || groups.includes(group)) && resources.some((name) => plurals.has(name)),
  );
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
