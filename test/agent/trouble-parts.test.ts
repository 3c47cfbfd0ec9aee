import { createServer, connect as dial, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { KubeObject } from "../../shared/live.ts";
import { type AttackedSite, attackedSite, passes, soon, until } from "../attacks/site.ts";
import { ask } from "../lab/demo/cluster.ts";
import { configMap, type SignedBundle, signedBundle } from "../support/fleet.ts";

/** A part of what the agent needs is in trouble, or all of it at its start: what can go on goes on. */

const admin = (site: AttackedSite) => ({
  ...site.cluster,
  agentTokenFile: "",
  adminToken: site.cluster.token,
  caFile: null,
});
const health = { holdFor: "0", deadline: "10m" };
const version = (objects: readonly KubeObject[]): SignedBundle => signedBundle({ seq: 1, health }, objects);
const isCommitted = (site: AttackedSite) =>
  until(
    () => site.item()?.state,
    (state) => state === "committed",
    "it is not committed",
    60_000,
  );
const saysWhy = (site: AttackedSite, why: RegExp) =>
  until(
    () => site.item()?.waitingOn ?? "",
    (words) => why.test(words),
    "the report does not say why",
  );

it("a namespace that is stuck on its way out, and a kind that RBAC forbids: the rest goes on, and the report names what does not", async () => {
  const bundles = [{ pattern: "pos*", keys: ["pos"], threshold: 1, epoch: 1, namespaces: ["*"], kinds: ["*"] }];
  const site = await attackedSite({ root: { bundles } });
  const at = admin(site);
  await ask(
    at,
    "POST",
    "/api/v1/namespaces",
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "gone" } },
    "application/json",
  );
  const stays = {
    ...configMap("stays"),
    metadata: { name: "stays", namespace: "gone", finalizers: ["example.com/stays"] },
  };
  await ask(at, "POST", "/api/v1/namespaces/gone/configmaps", stays, "application/json");
  await ask(at, "DELETE", "/api/v1/namespaces/gone");
  site.cluster.forbid.push({ user: "skerry", verb: "*", resource: "services" });
  const lost = { ...configMap("lost"), metadata: { name: "lost", namespace: "gone" } };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "till", namespace: "shop" },
    spec: { ports: [{ port: 80, protocol: "TCP" }] },
  };
  const bundle = version([configMap("till", { greeting: "v1" }), lost, service]);
  site.owner.publish(bundle);
  await site.assign(bundle);
  await until(
    () => site.greeting(),
    (greeting) => greeting === "v1",
    "the rest does not go on",
  );
  await saysWhy(site, /gone\/lost.*its namespace is being deleted|Service.*RBAC does not allow it/);
  await until(
    () => site.logged.join("\n"),
    (log) => /its namespace is being deleted/.test(log) && /RBAC does not allow it/.test(log),
    "the log does not name both",
  );
  const { requests } = site.cluster.state();
  const before = (requests["patch"] ?? 0) + (requests["watch"] ?? 0) + (requests["get"] ?? 0);
  await passes(site, 3_000);
  const after = site.cluster.state().requests;
  expect((after["patch"] ?? 0) + (after["watch"] ?? 0) + (after["get"] ?? 0) - before).toBeLessThan(30);
});

it("starts while its API server is down, says so, and goes on when that is up", async () => {
  const lines = new Set<Socket>();
  const door = createServer();
  let own = 0;
  const open = async () => {
    await new Promise<void>((resolve) => door.listen(own, "127.0.0.1", resolve));
    const address = door.address();
    own = typeof address === "object" && address !== null ? address.port : 0;
  };
  const shut = async () => {
    const closed = new Promise((resolve) => door.close(resolve));
    for (const line of lines) line.destroy();
    await closed;
  };
  onTestFinished(async () => {
    await shut();
  });
  const site = await attackedSite({
    before: async (server) => {
      const { port, hostname } = new URL(server);
      door.on("connection", (incoming) => {
        const outgoing = dial(Number(port), hostname);
        for (const line of [incoming, outgoing]) lines.add(line.on("error", () => {}));
        incoming.pipe(outgoing).pipe(incoming);
        outgoing.on("close", () => incoming.destroy());
        incoming.on("close", () => outgoing.destroy());
      });
      await open();
      return `http://127.0.0.1:${own}`;
    },
  });
  const bundle = version([configMap("till", { greeting: "v1" })]);
  site.owner.publish(bundle);
  await site.assign(bundle);
  await isCommitted(site);
  await site.stop();
  await shut();
  const edit = { data: { greeting: "edited" } };
  await ask(admin(site), "PATCH", "/api/v1/namespaces/shop/configmaps/till", edit);
  await site.start();
  await soon(site, saysWhy(site, /no answer from the API server/));
  expect(site.item()?.state).toBe("committed");
  await open();
  await soon(
    site,
    until(
      () => site.greeting(),
      (greeting) => greeting === "v1",
      "it is not put right",
    ),
  );
});
