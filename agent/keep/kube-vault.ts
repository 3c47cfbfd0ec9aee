import { nameOf } from "../../shared/live.ts";
import { type Kube, KubeError, type Selection } from "../apply/kube.ts";
import type { Live } from "../observe/live.ts";
import type { Vault } from "./keep.ts";
import { type Owner, readSecret, SECRET, secretOf } from "./secret.ts";

/** Not that of bundles: what this one applies is never theirs. */
const MANAGER = "skerry-keep";
const FORCED = { manager: MANAGER, force: true, dryRun: false };

/** What of the cluster is watched for it. */
export const KEPT: Selection = { namespace: SECRET.namespace, name: SECRET.name };

/** The vault in a Secret of a fixed name. Makes the namespace where there is none: an agent outside of its cluster comes without one. */
export function kubeVault(
  owner: Owner,
  { kube, live }: { kube: Kube; live: Pick<Live, "follow" | "view" | "feed"> },
): Vault {
  live.follow([SECRET]);
  const apply = async (object: Parameters<Kube["apply"]>[0]) => (await kube.apply(object, FORCED)).object;
  return {
    read: async () => {
      const object = await kube.get(SECRET);
      if (object !== null) live.feed(object);
      return readSecret(object, owner);
    },
    write: async (kept, version) => {
      const secret = secretOf(kept, owner, version);
      try {
        const written = await apply(secret).catch(async (error: unknown) => {
          if (!(error instanceof KubeError) || error.kubeClass !== "missing-namespace") throw error;
          await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: SECRET.namespace } });
          return apply(secret);
        });
        live.feed(written);
        return String(written.metadata["resourceVersion"]);
      } catch (error) {
        if (error instanceof KubeError && error.kubeClass === "conflict") return null;
        throw error;
      }
    },
    seen: () => {
      const { objects, unseen } = live.view();
      if (unseen.size > 0) return "unseen";
      return objects.get(nameOf(SECRET))?.resourceVersion ?? "gone";
    },
  };
}
