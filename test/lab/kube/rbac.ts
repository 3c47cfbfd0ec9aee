import { type Kind, resourceOf } from "./kinds.ts";
import { forbidden } from "./status.ts";

/** What a user may not do. `*` is any verb or resource; without a namespace it counts everywhere. */
export interface Forbid {
  user: string;
  verb: string;
  /** As `deployments.apps`, `configmaps`, or with a subresource: `deployments.apps/status`. */
  resource: string;
  namespace?: string;
}

export interface Attempt {
  user: string;
  verb: string;
  kind: Kind;
  namespace: string;
  name: string;
  subresource: string;
}

/** Throws 403 in Kubernetes's words where a rule fits. Everything else is allowed: Roles are stored, not evaluated. */
export function authorize(rules: readonly Forbid[], attempt: Attempt): void {
  const { user, verb, kind, namespace, name, subresource } = attempt;
  const resource = subresource === "" ? resourceOf(kind) : `${resourceOf(kind)}/${subresource}`;
  const isForbidden = rules.some(
    (rule) =>
      rule.user === user &&
      (rule.verb === "*" || rule.verb === verb) &&
      (rule.resource === "*" || rule.resource === resource) &&
      (rule.namespace === undefined || rule.namespace === namespace),
  );
  if (!isForbidden) return;
  const plural = subresource === "" ? kind.plural : `${kind.plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const words = `User "${user}" cannot ${verb} resource "${plural}" in API group "${kind.group}" ${where}`;
  throw forbidden(kind, name, words);
}
