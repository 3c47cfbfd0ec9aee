import { rmSync, statSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { boxKey, reportKey } from "../../agent/identity.ts";
import { formatAgeIdentity } from "../../shared/node/age-key.ts";
import { formatEd25519 } from "../../shared/node/ssh-private-key.ts";
import { FakeClock } from "../support/clock.ts";
import { fileInFolder } from "../support/data-folder.ts";
import { keys, line, NOW } from "../support/fleet.ts";
import { box } from "../support/secrets.ts";
import { down, memoryVault } from "./keep/vault.ts";

const BOX = formatAgeIdentity(box);
const KEPT = formatEd25519(keys.report, "s-1");
const clock = new FakeClock(NOW);
const world = { clock, journal: () => {}, log: { debug() {}, info() {}, warn() {}, error() {} } };

it("a key on disk is taken at once, whether the cluster can be asked or not", async () => {
  const cluster = memoryVault();
  cluster.faults.read = down();
  const file = fileInFolder("report.key");
  writeFileSync(file, KEPT);
  expect(await reportKey(file, cluster.vault, world)).toMatchObject({ line: line(keys.report), from: "disk" });
  expect(cluster.asked.reads).toBe(0);
});

it("an empty disk has the key back that the cluster kept", async () => {
  const cluster = memoryVault();
  cluster.put({ reportKey: KEPT, boxKey: BOX, marks: new Map() });
  const file = fileInFolder("report.key");
  expect(await reportKey(file, cluster.vault, world)).toMatchObject({ line: line(keys.report), from: "cluster" });
  rmSync(file);
  expect((await reportKey(file, cluster.vault, world)).line).toBe(line(keys.report));
});

it("no new key is made before the cluster could be asked, however long that takes", async () => {
  const cluster = memoryVault();
  cluster.put({ reportKey: KEPT, boxKey: BOX, marks: new Map() });
  cluster.faults.read = down("forbidden");
  const file = fileInFolder("report.key");
  let got = "";
  const starting = reportKey(file, cluster.vault, world).then((key) => {
    got = key.from;
  });
  for (let minute = 0; minute < 60; minute += 1) {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    clock.advance(60_000);
  }
  expect(got).toBe("");
  cluster.faults.read = null;
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  clock.advance(60_000);
  await starting;
  expect(got).toBe("cluster");
});

it("where neither disk nor cluster has one, a new one is made, which outlives a restart", async () => {
  const cluster = memoryVault();
  const file = fileInFolder("report.key");
  const made = await reportKey(file, cluster.vault, world);
  expect(made.from).toBe("made");
  expect(await reportKey(file, cluster.vault, world)).toMatchObject({ line: made.line, from: "disk" });
});

it("a key on disk that cannot be read is never replaced silently", async () => {
  const cluster = memoryVault();
  cluster.put({ reportKey: KEPT, boxKey: BOX, marks: new Map() });
  const file = fileInFolder("report.key");
  writeFileSync(file, "no key");
  await expect(reportKey(file, cluster.vault, world)).rejects.toMatchObject({ code: "config", where: file });
});

it("the box key is kept and comes back as the report key does, each by itself", async () => {
  const cluster = memoryVault();
  cluster.put({ reportKey: null, boxKey: BOX, marks: new Map() });
  const file = fileInFolder("box.key");
  expect(await boxKey(file, cluster.vault, world)).toMatchObject({ line: box.recipient, from: "cluster", text: BOX });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await boxKey(file, memoryVault().vault, world)).toMatchObject({ line: box.recipient, from: "disk" });
  expect((await reportKey(fileInFolder("report.key"), cluster.vault, world)).from).toBe("made");
  expect((await boxKey(fileInFolder("box.key"), memoryVault().vault, world)).line).toMatch(/^age1[0-9a-z]{58}$/);
});
