import { type Entry, entriesOf, type FieldPath, leavesOf, type Spot, without } from "./fields.ts";
import type { KubeObject } from "./live.ts";

/** Of whoever put it there, whoever wrote the rest: the server's own, and the leave of others to let an object go. */
const NEVER: readonly FieldPath[] = [
  ["f:status"],
  ["f:metadata", "f:finalizers"],
  ["f:metadata", "f:ownerReferences"],
  ["f:spec", "f:clusterIP"],
  ["f:spec", "f:clusterIPs"],
  ["f:spec", "f:volumeName"],
  ["f:spec", "f:nodeName"],
];

/** What hands own of an object, and what becomes ours with it. */
export interface Held {
  entry: Entry;
  paths: FieldPath[];
}

/**
 * Fields that somebody owns by hand: with kubectl, or Helm, or whoever wrote the object before there were owners. What a controller or a
 * webhook owns is none of these; `kubectl rollout restart` wishes for no other content, and a subresource is no part of a manifest. Of an entry
 * in terms of another version than the object's, the metadata counts, which is the same in all; its other fields may be called otherwise in
 * ours, which no server tells, and stay whose they are. So do `ignored` ones.
 */
export function heldByHand(object: KubeObject, ignored: readonly Spot[]): Held[] {
  return entriesOf(object)
    .filter(isHand)
    .map((entry) => {
      const isComparable = entry.raw["apiVersion"] === object.apiVersion;
      const paths = leavesOf(without(entry.fields, ignored)).filter(isOfContent);
      return { entry, paths: isComparable ? paths : paths.filter(([first]) => first === "f:metadata") };
    })
    .filter(({ paths }) => paths.length > 0);
}

function isHand({ manager, subresource }: Entry): boolean {
  return (
    subresource === "" && /^(kubectl(-.+)?|helm|before-first-apply)$/.test(manager) && manager !== "kubectl-rollout"
  );
}

function isOfContent(path: FieldPath): boolean {
  return !NEVER.some((never) => never.every((key, index) => path[index] === key));
}
