import type { Bundle } from "../bundle.ts";
import type { KubeObject } from "../live.ts";
import type { Delegation } from "../root.ts";
import { imagesOf } from "./images.ts";
import { checkPrivilege } from "./privilege.ts";

/** A bundle before anybody signed it: what the builder has in hand. The images are what comes out. */
export interface UnsignedBundle {
  manifest: Pick<Bundle, "name" | "variables" | "overlays" | "checks">;
  delegation: Delegation;
  /** In the order of the manifest to be: objects and the patch files of overlays. */
  files: readonly { path: string; object: KubeObject }[];
}

export interface BuildRender {
  /** Every image that some rendering used, as written (`repository:tag@sha256:...`), sorted: what the manifest has to list. */
  images: readonly string[];
}

/**
 * What the builder runs before signing: everything that a site checks of rendered objects, over all that a site could be given. Throws
 * the first refusal that a site would throw, with the same code; `where` begins with `files/<path>` and ends with a JSON pointer where
 * there is one.
 */
export function renderForBuild(bundle: UnsignedBundle): BuildRender {
  const patches = new Set(bundle.manifest.overlays?.map(({ patch }) => patch));
  const images = new Set<string>();
  for (const { path, object } of bundle.files) {
    if (patches.has(path)) continue;
    checkPrivilege(object, bundle.delegation, path);
    for (const { image } of imagesOf(object)) images.add(image);
  }
  return { images: [...images].toSorted() };
}
