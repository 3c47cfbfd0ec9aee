import { expect, it } from "vitest";
import type { JsonObject } from "../../shared/live.ts";
import { attackedSite, until } from "../attacks/site.ts";
import { ask } from "../lab/demo/cluster.ts";
import { signedBundle } from "../support/fleet.ts";
import { DEFINITION, IS_OPEN, TILL, TILL_PATH, till } from "./observe/custom-kind.ts";

it("a whole agent commits a custom kind when the bundle's rule says so, and tells what it waits for until then", async () => {
  const site = await attackedSite();
  const at = { ...site.cluster, agentTokenFile: "", adminToken: site.cluster.token, caFile: null };
  await ask(at, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION, "application/json");
  const says = (status: JsonObject) => ask(at, "PATCH", `${TILL_PATH}/status`, { status });
  const health = { holdFor: "0", deadline: "60s", rules: [{ ...TILL, cel: IS_OPEN }] };
  const bundle = signedBundle({ health }, [till()]);
  site.owner.publish(bundle);
  await site.assign(bundle);

  const rule = `example.com/v1 Till shop/till does not meet its health rule \`${IS_OPEN}\``;
  const waits = (words: string) =>
    until(
      () => site.item(),
      (item) => item?.waitingOn === words,
      `it does not wait: ${words}`,
    );
  await waits(`${rule}: No such key: status`);
  await says({ phase: "Closed" });
  await waits(rule);
  expect(site.item()).toMatchObject({ state: "verifying", objects: { total: 1, healthy: 0 } });
  expect(site.events("committed")).toEqual([]);

  await says({ phase: "Open" });
  await until(
    () => site.item(),
    (item) => item?.state === "committed" && item.objects?.healthy === 1,
    "it is not committed",
  );
  await says({ phase: "Closed" });
  await waits(rule);
  expect(site.item()).toMatchObject({ state: "committed", healthyFor: 0, objects: { total: 1, healthy: 0 } });
}, 60_000);
