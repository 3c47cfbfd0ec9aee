import type { FileCommit, FleetSource } from "../../../hub/follow/followed.ts";
import type { Files } from "../../lab/git/repository.ts";
import { type MemorySource, memorySource } from "../../support/source.ts";

/** The fleet repository in memory. */
export interface FleetMemory extends Omit<MemorySource, "source"> {
  source: FleetSource;
  /** Puts these files beside those that the branch has. */
  add(branch: string, files: Files, subject: string): void;
  /** Who changed what, by path, as Git would tell. */
  changed: Map<string, FileCommit>;
}

export function fleetMemory(): FleetMemory {
  const memory = memorySource();
  const branches = new Map<string, Files>();
  const commit: MemorySource["commit"] = (branch, files, subject, anew) => {
    branches.set(branch, files);
    memory.commit(branch, files, subject, anew);
  };
  const { source, faults } = memory;
  const changed = new Map<string, FileCommit>();
  return {
    faults,
    changed,
    commit,
    add: (branch, files, subject) => commit(branch, { ...branches.get(branch), ...files }, subject),
    source: {
      ...source,
      files: async (head, folder) => {
        const branch = head.slice(0, head.lastIndexOf("#"));
        // The same faults as in any other call.
        await source.versions(head);
        return Object.entries(branches.get(branch) ?? {})
          .filter(([path]) => path.startsWith(`${folder}/`))
          .map(([path, bytes]) => ({ path, bytes: new Uint8Array(Buffer.from(bytes)) }))
          .toSorted((a, b) => (a.path < b.path ? -1 : 1));
      },
      changed: async () => new Map(changed),
    },
  };
}
