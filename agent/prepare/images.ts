import type { Bundle } from "../../shared/bundle.ts";
import { type KubeObject, member, members } from "../../shared/live.ts";

/** Left free beside the images: the agent's own database, and the logs of whatever runs. */
const SPARE_BYTES = 64 * 1024 * 1024;

/**
 * Digests of a bundle's images that every node of the cluster says it has. A kubelet names its 50 largest alone: what is not among them is not
 * known to be missing.
 */
export function presentImages(images: Bundle["images"], nodes: readonly KubeObject[]): ReadonlySet<string> {
  const byNode = nodes.map((node) => {
    const names = members(member(node, "status"), "images").flatMap(({ names }) => (Array.isArray(names) ? names : []));
    return new Set(names.map((name) => String(name).slice(String(name).indexOf("@") + 1)));
  });
  const present = images.filter(({ digest }) => byNode.length > 0 && byNode.every((names) => names.has(digest)));
  return new Set(present.map(({ digest }) => digest));
}

/** Why the disk has no room for it, in words; null where it has, or nobody knows how large images are. `free`: bytes; null: not known. */
export function lackOfRoom(images: Bundle["images"], present: ReadonlySet<string>, free: number | null): string | null {
  const sizes = new Map(images.map(({ digest, size = 0 }) => [digest, present.has(digest) ? 0 : size]));
  const needed = SPARE_BYTES + [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (free === null || free >= needed) return null;
  return `the disk has ${megabytes(free)} MB free, and images that may have to be fetched need ${megabytes(needed)} MB`;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}
