import { KubeError } from "../../../agent/apply/kube.ts";
import type { Kept, Reading, Vault } from "../../../agent/keep/keep.ts";

/** A cluster's one Secret, in memory, and what can go wrong with it. */
export function memoryVault() {
  let held: { kept: Kept; version: number } | null = null;
  let counter = 0;
  let reading: ((found: Reading) => Reading) | null = null;
  const faults = { read: null as KubeError | null, write: null as KubeError | null };
  const asked = { reads: 0, writes: 0 };
  const put = (kept: Kept) => {
    counter += 1;
    held = { kept: structuredClone(kept), version: counter };
  };
  const vault: Vault = {
    read: async () => {
      asked.reads += 1;
      if (faults.read !== null) throw faults.read;
      const found: Reading =
        held === null
          ? { found: "nothing" }
          : { found: "kept", kept: structuredClone(held.kept), version: String(held.version) };
      return reading === null ? found : reading(found);
    },
    write: async (kept, version) => {
      asked.writes += 1;
      if (faults.write !== null) throw faults.write;
      if ((held === null ? null : String(held.version)) !== version) return null;
      put(kept);
      reading = null;
      return String(counter);
    },
    seen: () => (held === null ? "gone" : String(held.version)),
  };
  return {
    vault,
    faults,
    asked,
    held: () => held?.kept ?? null,
    /** Somebody else writes. */
    put,
    remove: () => {
      held = null;
    },
    /** What is read is not what was written. */
    reads: (as: typeof reading) => {
      reading = as;
    },
  };
}

export function down(kubeClass: KubeError["kubeClass"] = "unreachable"): KubeError {
  return new KubeError(kubeClass, "the API server says no", { status: 0, reason: "" });
}
