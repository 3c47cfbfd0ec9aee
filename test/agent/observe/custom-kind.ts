import type { JsonObject, KubeObject } from "../../../shared/live.ts";

/** A kind of its own group, with a status that its controller, here the test, writes. */

export const TILL = { apiVersion: "example.com/v1", kind: "Till" };
export const IS_OPEN = "object.status.phase == 'Open'";

export function till(spec: JsonObject = { drawers: 1 }): KubeObject {
  return { ...TILL, metadata: { name: "till", namespace: "shop" }, spec };
}

const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

export const DEFINITION: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "tills.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "tills", singular: "till", kind: "Till" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } },
      },
    ],
  },
};

export const TILL_PATH = "/apis/example.com/v1/namespaces/shop/tills/till";
