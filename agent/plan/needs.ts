import { type JsonObject, type KubeObject, kindOf, member, members } from "../../shared/live.ts";
import type { RenderedBundle } from "../../shared/render/render.ts";
import { isFoundation } from "./order.ts";

type Wanted = RenderedBundle["objects"][number];

/**
 * Where in the bundle the objects are that must be there and healthy before this one is applied: its namespace, the definition of its
 * kind, and for what calls a service of the bundle (a webhook, an aggregated API) the workloads behind that service. A webhook that nobody
 * answers yet would refuse those very workloads.
 */
export function needsOf(desired: Pick<RenderedBundle, "objects">): (wanted: Wanted) => readonly number[] {
  const namespaces = new Map<string, number>();
  const definitions = new Map<string, number[]>();
  for (const [index, { ref }] of desired.objects.entries()) {
    if (!isFoundation(ref)) continue;
    if (ref.kind === "Namespace") {
      namespaces.set(ref.name, index);
      continue;
    }
    // The server holds its name to `<plural>.<group>`.
    const group = ref.name.slice(ref.name.indexOf(".") + 1);
    definitions.set(group, [...(definitions.get(group) ?? []), index]);
  }
  return ({ ref, object }) => {
    const namespace = namespaces.get(ref.namespace);
    const [group = ""] = ref.apiVersion.split("/");
    const called = servicesOf(object);
    return [
      ...(namespace === undefined ? [] : [namespace]),
      ...(definitions.get(group) ?? []),
      ...(called.length === 0 ? [] : behind(called, desired.objects)),
    ];
  };
}

interface Called {
  namespace: unknown;
  name: unknown;
}

function servicesOf(object: KubeObject): Called[] {
  const services: JsonObject[] = [];
  if (/^(?:Validating|Mutating)WebhookConfiguration$/.test(object.kind)) {
    for (const webhook of members(object, "webhooks"))
      services.push(member(member(webhook, "clientConfig"), "service"));
  }
  if (object.kind === "APIService") services.push(member(member(object, "spec"), "service"));
  return services.flatMap(({ namespace, name }) => (name === undefined ? [] : [{ namespace, name }]));
}

/** The services that are called, and what their selectors choose. */
function behind(called: readonly Called[], objects: readonly Wanted[]): number[] {
  const services = objects.filter(
    ({ ref }) =>
      kindOf(ref) === "Service" &&
      called.some(({ namespace, name }) => namespace === ref.namespace && name === ref.name),
  );
  return objects.flatMap((wanted, index) => {
    const labels = member(member(member(member(wanted.object, "spec"), "template"), "metadata"), "labels");
    const isBehind = services.some((service) => {
      const selector = Object.entries(member(member(service.object, "spec"), "selector"));
      const isChosen = selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
      return service === wanted || (service.ref.namespace === wanted.ref.namespace && isChosen);
    });
    return isBehind ? [index] : [];
  });
}
