import { expect, it } from "vitest";
import type { JsonObject } from "../../../shared/live.ts";
import { ask } from "../../lab/demo/cluster.ts";
import { configMap } from "../../support/fleet.ts";
import { DEFINITION, IS_OPEN, TILL, TILL_PATH, till } from "../observe/custom-kind.ts";
import { labSite } from "./lab-site.ts";

const rule = (cel: string) => ({ holdFor: "0", deadline: "60s", rules: [{ ...TILL, cel }] });

async function site() {
  const made = await labSite();
  await made.edit(DEFINITION);
  const { lab } = made;
  const cluster = { ...lab, agentTokenFile: "", adminToken: lab.token, caFile: null };
  return {
    ...made,
    /** As the controller of the kind. */
    says: (status: JsonObject) => ask(cluster, "PATCH", `${TILL_PATH}/status`, { status }),
    /** What the site says that it waits for, once it is this. */
    waits: (words: string) =>
      made.until(words, async () => (await made.run())?.waitingOn === `example.com/v1 Till shop/till ${words}`),
  };
}

it("a version with a custom kind is committed when its rule says so, and not before", async () => {
  const { assign, waits, says, until, state } = await site();
  assign(1, [till()], { health: rule(IS_OPEN) });
  await waits(`does not meet its health rule \`${IS_OPEN}\`: No such key: status`);
  await says({ phase: "Closed" });
  await waits(`does not meet its health rule \`${IS_OPEN}\``);
  expect(state()).toBe("verifying 1.0.0");
  await says({ phase: "Open" });
  await until("committed", () => state() === "committed 1.0.0");
});

it("a version with another rule asks it of objects that it does not change, without an apply", async () => {
  const { assign, waits, says, until, state, lab } = await site();
  assign(1, [till(), configMap("one")], { health: rule("object.spec.drawers == 1") });
  await until("committed", () => state() === "committed 1.0.0");
  const before = lab.state().requests["patch"];
  assign(2, [till(), configMap("one")], { health: rule("object.status.drawers == 1") });
  await waits("does not meet its health rule `object.status.drawers == 1`: No such key: status");
  expect([state(), lab.state().requests["patch"]]).toEqual(["verifying 1.1.0", before]);
  await says({ drawers: 1 });
  await until("committed", () => state() === "committed 1.1.0");
});

it("a rule that is never met ends with the deadline: the site returns, and says which rule it was", async () => {
  const { assign, waits, skip, until, state, cache } = await site();
  assign(1, [configMap("one")]);
  await until("committed", () => state() === "committed 1.0.0");
  assign(2, [configMap("one"), till()], { health: rule(IS_OPEN) });
  await waits(`does not meet its health rule \`${IS_OPEN}\`: No such key: status`);
  skip(60_000);
  await until("reverted", () => state() === "reverted 1.0.0");
  const failed = cache.numberEvents(100).find(({ kind }) => kind === "reverting");
  expect(failed).toMatchObject({ code: "unhealthy", words: expect.stringContaining(IS_OPEN) });
});

it("a rule that is no CEL keeps the version out: what runs runs on", async () => {
  const { assign, run, until, state, refusals } = await site();
  assign(1, [configMap("one")]);
  await until("committed", () => state() === "committed 1.0.0");
  assign(2, [configMap("one"), till()], { health: rule("object.status.") });
  for (let turn = 0; turn < 5; turn += 1) await run();
  expect([state(), refusals()]).toEqual(["committed 1.0.0", ["schema"]]);
});

it("without a rule and without a status, a new object of a custom kind waits for its grace; a restart does not ask again", async () => {
  const { assign, waits, skip, until, state, restart, run } = await site();
  assign(1, [till()]);
  await waits("has no status yet");
  skip(30_000);
  await until("committed", () => state() === "committed 1.0.0");
  restart();
  await until("seen", async () => (await run())?.summary.verdict.health === "healthy");
});
