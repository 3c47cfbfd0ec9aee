import { randomBytes } from "node:crypto";
import { describe, it } from "vitest";
import { labSite, siteOn } from "./lab-site.ts";
import { ORDER_ROOT, SCRIPTS } from "./order.ts";

describe("in order, on the lab's API server", () => {
  it.each(Object.entries(SCRIPTS))("%s", async (_title, script) => {
    const { kube } = await labSite();
    const unique = `u${randomBytes(4).toString("hex")}`;
    const namespace = `${unique}-shop`;
    await script({ site: await siteOn(kube, { namespace, root: ORDER_ROOT(unique) }), namespace, unique });
  });
});
