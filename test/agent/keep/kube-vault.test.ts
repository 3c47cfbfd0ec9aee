import { writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../../../agent/apply/connect.ts";
import type { Kube } from "../../../agent/apply/kube.ts";
import type { Kept, Vault } from "../../../agent/keep/keep.ts";
import { KEPT, kubeVault } from "../../../agent/keep/kube-vault.ts";
import { SECRET } from "../../../agent/keep/secret.ts";
import { Live } from "../../../agent/observe/live.ts";
import type { JsonObject } from "../../../shared/live.ts";
import { formatAgeIdentity } from "../../../shared/node/age-key.ts";
import { systemClock } from "../../../shared/node/clock.ts";
import { formatEd25519 } from "../../../shared/node/ssh-private-key.ts";
import { startLabCluster } from "../../lab/kube/cluster.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { keys } from "../../support/fleet.ts";
import { box, fingerprint } from "../../support/secrets.ts";

const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const OWNER = { fleet: "shops", site: "s-1" };
const KEY = formatEd25519(keys.report, "s-1");
const BOX = formatAgeIdentity(box);
const kept = (seq: number): Kept => ({
  reportKey: KEY,
  boxKey: BOX,
  marks: new Map([["pos", { pair: [1, seq], floor: [1, 1] }]]),
});

let kube: Kube;
let vault: Vault;
beforeEach(async () => {
  const lab = await startLabCluster();
  const tokenFile = fileInFolder("token");
  writeFileSync(tokenFile, lab.token);
  const connected = await connect({ server: lab.server, tokenFile });
  const live = new Live({
    kube: connected,
    clock: systemClock,
    random: () => 0.1,
    log: LOG,
    onChange: () => {},
    fingerprint,
    selection: KEPT,
  });
  kube = connected;
  vault = kubeVault(OWNER, { kube, live });
  onTestFinished(async () => {
    live.close();
    connected.close();
    await lab.stop();
  });
});

const edit = (changes: JsonObject) =>
  kube.apply(
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: SECRET.name, namespace: SECRET.namespace },
      ...changes,
    },
    { manager: "somebody", force: true, dryRun: false },
  );

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("the Secret", () => {
  it("is made with its namespace, and gives back what was put in", async () => {
    expect(await vault.read()).toEqual({ found: "nothing" });
    const version = await vault.write(kept(1), null);
    expect(await vault.read()).toEqual({ found: "kept", kept: kept(1), version });
    expect((await kube.get(SECRET))?.["type"]).toBe("Opaque");
  });

  it("is not overwritten under a version that is not there any more", async () => {
    const first = await vault.write(kept(1), null);
    const second = await vault.write(kept(2), first);
    expect(await vault.write(kept(3), first)).toBeNull();
    expect(await vault.read()).toEqual({ found: "kept", kept: kept(2), version: second });
  });

  it("of an agent that had no box key is as it was written", async () => {
    const version = await vault.write({ ...kept(1), boxKey: null }, null);
    expect(await vault.read()).toEqual({ found: "kept", kept: { ...kept(1), boxKey: null }, version });
  });

  it("drops a bundle's marks for nobody: what is written next has all of them", async () => {
    const first = await vault.write({ ...kept(1), marks: new Map([...kept(1).marks, ...marksOf("base", 4)]) }, null);
    await vault.write({ ...kept(2), marks: new Map([...kept(2).marks, ...marksOf("base", 4)]) }, first);
    const reading = await vault.read();
    expect(reading.found === "kept" && [...reading.kept.marks.keys()]).toEqual(["base", "pos"]);
  });

  it("is seen to change and to go, with no request", async () => {
    const version = await vault.write(kept(1), null);
    await until("seen", () => vault.seen() === version);
    await edit({ data: { more: "eA==" } });
    await until("changed", () => vault.seen() !== version);
    const uid = String((await kube.get(SECRET))?.metadata["uid"]);
    await kube.remove(SECRET, { uid, propagation: "Background" });
    await until("gone", () => vault.seen() === "gone");
  });
});

describe("a Secret that somebody else wrote", () => {
  const b64 = (text: string) => Buffer.from(text).toString("base64");

  it.each<[string, JsonObject, string]>([
    ["marks that are no document", { data: { "marks.json": b64("{}") } }, "marks.json: "],
    ["a key that is none", { data: { "report.key": b64("hello") } }, "report.key: "],
    ["a box key that is none", { data: { "box.key": b64("hello") } }, "box.key: "],
    ["bytes that are no base64 of anything", { data: { "marks.json": "/w==" } }, "marks.json: "],
  ])("with %s is said to be so, and what can be read of it counts", async (_title, changes, words) => {
    const version = await vault.write(kept(1), null);
    await edit(changes);
    const reading = await vault.read();
    if (reading.found !== "damaged") throw new Error(`found ${reading.found}`);
    expect(reading.words).toContain(`Secret skerry-system/skerry-site is not as it was written: ${words}`);
    const lost = words.startsWith("marks")
      ? { marks: new Map() }
      : words.startsWith("box")
        ? { boxKey: null }
        : { reportKey: null };
    const whole = { ...kept(1), ...lost };
    expect([reading.kept, reading.version === version]).toEqual([whole, false]);
    await vault.write(kept(2), reading.version);
    expect((await vault.read()).found).toBe("kept");
  });

  it("under our name before us, and empty, is damaged", async () => {
    await kube.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: SECRET.namespace } },
      { manager: "somebody", force: true, dryRun: false },
    );
    await edit({ type: "Opaque" });
    expect(await vault.read()).toMatchObject({ found: "damaged", kept: { reportKey: null, marks: new Map() } });
  });

  it("for another site is never taken for ours", async () => {
    const theirs = { fleet: "shops", site: "s-2" };
    const other = kubeVault(theirs, { kube, live: { follow() {}, view: nothing, feed() {} } });
    await other.write(kept(9), null);
    expect(await vault.read()).toMatchObject({ found: "foreign", words: expect.stringContaining("of site s-2") });
  });
});

function marksOf(bundle: string, seq: number): Kept["marks"] {
  return new Map([[bundle, { pair: [1, seq], floor: [1, 1] }]]);
}

function nothing() {
  return { objects: new Map(), unseen: new Map() };
}
