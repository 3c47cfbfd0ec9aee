import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { type AttackedSite, attackedSite, type Owner, ownerOf, until, v } from "../../attacks/site.ts";
import { commitToMirror } from "../../lab/mirror/folder.ts";
import { keys, signedSite } from "../../support/fleet.ts";

/** A person with a stick at a site that runs, with no line to hub or Git. */

/** As built: it starts in a fifth of the time. */
const MAIN = join(import.meta.dirname, "../../../dist/skerry-agent.js");
let site: AttackedSite;
let folder: string;
let stick: Owner;

beforeEach(async () => {
  site = await attackedSite();
  site.owner.publish(v(1));
  await site.assign(v(1), { record: 1 });
  await until(
    () => site.item()?.state,
    (state) => state === "committed",
    "1.0.0 is not committed",
  );
  site.git.faults.cut = true;
  folder = mkdtempSync(join(tmpdir(), "skerry-stick-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  stick = ownerOf((branch, files, subject, anew) => commitToMirror(folder, branch, files, subject, anew));
  stick.root(1, site.root);
  stick.record(signedSite());
});

async function adopt(from = folder): Promise<{ code: number; out: string }> {
  const child = spawn(process.execPath, [MAIN, "adopt", from, "--config", site.config], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, "close")]);
  return { code, out: Buffer.concat([...out, ...err]).toString() };
}
const runs = (greeting: string) =>
  until(
    () => site.greeting(),
    (seen) => seen === greeting,
    `${greeting} does not run`,
  );

it("takes what is newer on it, through a restart, until the hub says something new", async () => {
  stick.publish(v(2));
  expect(await adopt()).toEqual({ code: 0, out: "pos 1.1.0 is taken up\n" });
  await runs("v2");
  await until(
    () => site.item(),
    (item) => item?.state === "committed" && item.digest === v(2).digest.slice(0, 32),
    "it is not committed",
  );
  await site.stop();
  await site.start();
  await until(
    () => site.item()?.digest,
    (digest) => digest === v(2).digest.slice(0, 32),
    "the restart undid it",
  );
  expect(await adopt()).toEqual({ code: 0, out: "pos 1.1.0 is here or was, and nothing newer lies there\n" });
  site.git.faults.cut = false;
  site.owner.publish(v(2));
  site.owner.publish(v(3));
  await site.assign(v(3));
  await runs("v3");
});

it("takes nothing that the owners did not sign for this site, and says why", async () => {
  stick.publish(v(2, {}, { pos: keys.stranger }));
  stick.publish(v(3, { scope: [{ sites: { ring: "north" } }] }));
  const { code, out } = await adopt();
  expect(code).toBe(1);
  expect(out).toMatch(/^refused: pos threshold: /m);
  expect(out).toMatch(/^refused: pos scope: /m);
  expect(await site.greeting()).toBe("v1");
});

it("says what is wrong with the folder", async () => {
  expect(await adopt(join(folder, "nowhere"))).toMatchObject({ code: 1, out: expect.stringMatching(/^unreachable: /) });
});

it("leaves a request for the agent that does not run, which takes it up at its start", async () => {
  stick.publish(v(2));
  await site.stop();
  const waiting = adopt();
  await until(
    () => readdirOf(join(site.dataDir, "adopt")),
    (text) => text.includes("stick"),
    "no request was left",
  );
  await site.start();
  expect(await waiting).toMatchObject({ code: 0 });
  await runs("v2");
});

it("passes over a request that nobody can read", async () => {
  writeFileSync(join(site.dataDir, "adopt", "request.json"), "{");
  stick.publish(v(2));
  expect(await adopt()).toMatchObject({ code: 0 });
});

function readdirOf(room: string): string {
  try {
    return readFileSync(join(room, "request.json"), "utf8");
  } catch {
    return "";
  }
}
