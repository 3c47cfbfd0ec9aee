/** Whoever can push to a bundle's branch can put any commit there. */
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { canonicalJson } from "../../../shared/canonical.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture } from "./fixture.ts";

let fleet: FleetFixture;
beforeEach(async () => {
  fleet = await fleetFixture();
});
afterEach(() => fleet.remove());

const publish = (version: string) => fleet.skerry("bundle", "publish", `pos@${version}`);
const shown = (what: string) => execFileSync("git", ["-C", fleet.origin, "show", what]).toString();
const commit = async (version: string) => {
  await fleet.write("bundles/pos/bundle.yaml", BUNDLE_YAML.replace("1.4.2", version));
  fleet.commit(version);
};

test("a version follows what the owners signed, and nothing that somebody pushed there", async () => {
  await buildAndSign(fleet, "1.4.2");
  await publish("1.4.2");
  const first = JSON.parse(shown("bundles/pos:bundle.json"));
  const pushed = (version: string, seq: number, floor: number) => {
    const body = canonicalJson({ ...first, version, seq, floor: [1, floor], prev: null });
    commitFiles(fleet.origin, "bundles/pos", { "bundle.json": body }, version);
  };
  pushed("9.9.9", 900, 900);
  await fleet.skerry("publish");
  await commit("1.5.0");
  const { err } = await fleet.skerry("bundle", "build", "bundles/pos");
  expect(err).toEqual([expect.stringMatching(/^left out: pos@9\.9\.9: threshold: 0 of 2 /)]);
  await buildAndSign(fleet, "1.5.0");
  pushed("9.9.10", 901, 901);
  expect(await publish("1.5.0")).toMatchObject({ code: 0, out: ["published bundles/pos"] });
  expect(JSON.parse(shown("bundles/pos:bundle.json"))).toMatchObject({
    seq: 2,
    floor: [1, 1],
    prev: sha256Hex(Buffer.from(canonicalJson(first))),
  });
  await commit("1.6.0");
  await buildAndSign(fleet, "1.6.0");
  expect((await publish("1.6.0")).code).toBe(0);
  expect(JSON.parse(shown("bundles/pos:bundle.json"))).toMatchObject({ seq: 3, floor: [1, 2] });
});
