import { beforeEach, describe, expect, it } from "vitest";
import { configMap, keys, signedBundle } from "../support/fleet.ts";
import { type AttackedSite, siteOnFirst, until, v } from "./site.ts";

/** Who holds the Git server or a mirror puts something there that the owners did not sign for this site. */

let site: AttackedSite;
beforeEach(async () => {
  site = await siteOnFirst();
});

/** The hub, in on it, assigns what was put there; the site refuses by that name and runs on. */
async function refuses(bad: ReturnType<typeof v>, code: string): Promise<void> {
  await site.assign(bad);
  await until(
    () => site.refused(),
    (codes) => codes.includes(code),
    `nothing was refused as ${code}`,
  );
  // A version that is all right goes through after it: the agent lives, and did not get stuck on the bad one.
  const good = v(9);
  site.owner.publish(good);
  await site.assign(good);
  await until(
    () => site.greeting(),
    (greeting) => greeting === "v9",
    "the good version does not run",
  );
  expect(site.events("applying").map(({ digest }) => digest)).not.toContain(bad.digest.slice(0, 32));
}

describe("what is refused, by its name, while the site runs on", () => {
  it("arbitrary install: signed by a key that the root does not name for it", async () => {
    const bad = v(2, {}, { pos: keys.stranger });
    site.owner.publish(bad);
    await refuses(bad, "threshold");
  });

  // The source that lied rests before it is asked again.
  it("extraneous content: one byte of one file is another", { timeout: 30_000 }, async () => {
    const bad = v(2);
    site.owner.publish(bad, { files: new Map([...bad.files].map(([path]) => [path, Buffer.from("{}")])) });
    await refuses(bad, "digest");
  });

  it("wrong target: signed for other sites", async () => {
    const bad = v(2, { scope: [{ sites: { ring: "north" } }] });
    site.owner.publish(bad);
    await refuses(bad, "scope");
  });

  it("equivocation: two contents under one pair", async () => {
    const bad = v(1, { version: "1.0.1" });
    site.owner.publish(bad);
    await refuses(bad, "equivocation");
  });

  it("document of another fleet: staging's bundle in production", async () => {
    const bad = v(2, { fleet: "staging" });
    site.owner.publish(bad);
    await refuses(bad, "fleet");
  });

  it("privilege: an object in a namespace that is not delegated", async () => {
    const object = configMap("till");
    const bad = signedBundle({ seq: 2 }, [{ ...object, metadata: { ...object.metadata, namespace: "kube-system" } }]);
    site.owner.publish(bad);
    await refuses(bad, "privilege");
  });

  it("unpinned image: a tag that its registry may move", async () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "till", namespace: "shop" } };
    const bad = signedBundle({ seq: 2 }, [{ ...pod, spec: { containers: [{ name: "till", image: "till:1" }] } }]);
    site.owner.publish(bad);
    await refuses(bad, "image");
  });

  it("floor above its own pair: nothing could ever run", async () => {
    const bad = v(2, { floor: [1, 7] });
    site.owner.publish(bad);
    await refuses(bad, "floor");
  });

  it("a build host a year ahead: created in the future of a synced clock", async () => {
    const bad = v(2, { createdAt: new Date(Date.now() + 365 * 86_400_000).toISOString().replace(/\.\d+Z/, "Z") });
    site.owner.publish(bad);
    await refuses(bad, "future");
  });
});
