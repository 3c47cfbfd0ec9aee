import { AppError } from "../errors.ts";
import { type KubeObject, nameOf, refOf } from "../live.ts";

/** What the API server writes, or what would tie an object to others that only a cluster knows. */
const SERVERS = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generateName",
  "generation",
  "managedFields",
  "ownerReferences",
  "resourceVersion",
  "selfLink",
  "uid",
] as const;

/**
 * Refuses what no object of a bundle may carry: `schema` for metadata that is the server's (an owner would have our object deleted with it, a uid
 * or a version makes it apply to one cluster only), `unsupported` for a list of objects, which no other check would look into.
 * Finalizers, annotations and status are the owners' to write: they name themselves only.
 */
export function checkCarried(object: KubeObject, path: string): void {
  const where = `files/${path} ${nameOf(refOf(object))}`;
  const found = SERVERS.find((key) => (object.metadata[key] ?? null) !== null);
  if (found !== undefined) {
    throw new AppError("schema", `an object of a bundle carries no metadata.${found}`, {
      where: `${where} /metadata/${found}`,
      fix: "leave it out: it belongs to the cluster that the object was read from",
    });
  }
  if (object.kind.endsWith("List") && Array.isArray(object["items"])) {
    throw new AppError("unsupported", "lists of objects are not read", {
      where: `${where} /items`,
      fix: "write its items as documents of their own, between `---`",
    });
  }
}
