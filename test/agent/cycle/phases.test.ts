import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import { configMap } from "../../support/fleet.ts";
import { deployment, labSite } from "./lab-site.ts";

const phases = (noReturn = false): Partial<Bundle> => ({
  phases: [
    { name: "data", objects: { kind: "ConfigMap", name: "schema" }, ...(noReturn && { noReturn }) },
    { name: "back", objects: { kind: "Deployment", name: "back" } },
  ],
});
const schema = (v: string) => configMap("schema", { v });
const front = (v: string) => configMap("front", { v });

/** Two phases and what comes after them. */
async function siteAt1() {
  const site = await labSite();
  const { until, state, assign } = site;
  const version = (v: string, fate: "ready" | "stuck") => [front(v), deployment("back", fate), schema(v)];
  assign(1, version("1", "ready"), phases());
  await until("committed", () => state() === "committed 1.0.0");
  return { ...site, version, is: (wanted: string) => until(wanted, () => state() === wanted) };
}

describe("phases", () => {
  it("begin when the one before is healthy; what comes after a sick one stays as it was", async () => {
    const { assign, version, run, data, until, is, skip } = await siteAt1();
    assign(2, version("2", "stuck"), phases());
    const words = "v1 ConfigMap shop/front phase back is not through: apps/v1 Deployment shop/back";
    await until("waits", async () => (await run())?.waitingOn?.startsWith(words) === true);
    expect([await data("schema"), await data("front")]).toEqual([{ v: "2" }, { v: "1" }]);
    skip(60_000);
    await is("reverted 1.0.0");
    expect([await data("schema"), await data("front")]).toEqual([{ v: "1" }, { v: "1" }]);
    assign(3, version("3", "ready"), phases());
    await is("committed 1.2.0");
    expect(await data("front")).toEqual({ v: "3" });
  });

  it("are no matter to drift: it is put right beside what is not healthy", async () => {
    const { edit, data, until, run, state } = await siteAt1();
    await edit(deployment("back", "stuck", { paused: true }));
    await until("sick", async () => (await run())?.summary.verdict.health !== "healthy");
    await edit(front("edited"));
    await until("healed", async () => JSON.stringify(await data("front")) === '{"v":"1"}');
    expect(state()).toBe("committed 1.0.0");
  });
});

describe("a phase without return", () => {
  it("once through, keeps the site where it is, over a restart, until a person moves it on", async () => {
    const { assign, version, data, is, skip, restart, run, events, hold, state, refusals } = await siteAt1();
    assign(2, version("2", "stuck"), phases(true));
    await is("applying 1.1.0");
    for (let turn = 0; hold()?.passed === undefined && turn < 50; turn += 1) await run();
    expect(hold()?.passed).toEqual({ version: "1.1.0", pair: [1, 2], phase: "data" });
    restart();
    skip(60_000);
    await run();
    skip(60_000);
    await is("stuck 1.1.0");
    expect([await data("schema"), events().at(-1)]).toEqual([{ v: "2" }, "failed"]);
    restart();
    await run();
    skip(600_000);
    await run();
    expect(state()).toBe("stuck 1.1.0");
    // Not even where the hub would have it back.
    assign(1, version("1", "ready"), phases(), { back: true });
    for (let turn = 0; turn < 5; turn += 1) await run();
    expect([state(), refusals(), await data("schema")]).toEqual(["stuck 1.1.0", ["floor"], { v: "2" }]);
    // A next version that fails is no way back either.
    assign(3, version("3", "stuck"), phases());
    await is("applying 1.2.0");
    skip(60_000);
    await is("stuck 1.2.0");
    assign(4, version("4", "ready"), phases());
    await is("committed 1.3.0");
    expect([await data("front"), hold()?.passed]).toEqual([{ v: "4" }, undefined]);
  });

  it("not yet through, is none: the site returns", async () => {
    const { assign, is, skip, hold } = await siteAt1();
    assign(2, [deployment("back", "stuck"), schema("2")], {
      phases: [{ name: "all", noReturn: true }],
    });
    await is("verifying 1.1.0");
    skip(60_000);
    await is("reverted 1.0.0");
    expect(hold()?.passed).toBeUndefined();
  });

  it("is tried again where it is told to", async () => {
    const { assign, version, is, skip, run } = await siteAt1();
    assign(2, version("2", "stuck"), phases(true));
    await is("applying 1.1.0");
    for (let turn = 0; turn < 5; turn += 1) await run();
    skip(60_000);
    await is("stuck 1.1.0");
    assign(2, version("2", "stuck"), phases(true), { retry: true, run: "pos-2" });
    await is("applying 1.1.0");
    skip(60_000);
    await is("stuck 1.1.0");
  });
});
