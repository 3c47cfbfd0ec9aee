import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { zstd } from "../../../shared/node/zstd.ts";
import { buildAndSign, type FleetFixture, fleetFixture } from "../../hub/build/fixture.ts";
import { type StaticServer, startStaticServer } from "../../lab/mirror/server.ts";

/** Runs what `docs/mirror.md` tells people to run to follow a mirror, against one over HTTP. */

const page = readFileSync(join(import.meta.dirname, "../../../docs/mirror.md"), "utf8");
const section = page.split(/^## /m).find((text) => text.startsWith("Follow it by hand\n")) ?? "";
const script = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = ""]) => commands).join("");
const tools = ["curl", "zstd", "jq", "sha256sum", "ssh-keygen", "cmp"];
const missing = tools.filter((name) => spawnSync("which", [name]).status !== 0);

let fleet: FleetFixture;
let server: StaticServer;
beforeAll(async () => {
  fleet = await fleetFixture();
  server = await startStaticServer(join(fleet.base, "mirror"));
  await buildAndSign(fleet, "1.4.2");
  const { code, err } = await fleet.skerry("bundle", "publish", "pos@1.4.2", "--to", "../mirror");
  if (code !== 0) throw new Error(err.join("\n"));
});
afterAll(async () => {
  await server.stop();
  await fleet.remove();
});

/** Not in step: the server answers from this very process. */
const follow = async () => {
  const cwd = await mkdtemp(join(tmpdir(), "skerry-by-hand-"));
  const commands = script.replace("https://mirror.example.com/fleet", server.url);
  try {
    const { stdout } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", commands], { cwd });
    return stdout;
  } finally {
    await rm(cwd, { recursive: true });
  }
};

describe.skipIf(missing.length > 0)(`a mirror by hand (without: ${missing.join(", ") || "nothing"})`, () => {
  test("is followed by the page's commands", async () => {
    const out = await follow();
    expect(out).toMatch(/^[0-9a-f]{64} {2}root\.json$/m);
    expect(out).toMatch(/^bundle\.json: OK$/m);
    expect(out.match(/^Good "skerry-bundle@v1" signature for (ada|bob) /gm)).toHaveLength(2);
    expect(out.match(/^files\/.*: OK$/gm)).toHaveLength(2);
  });

  test.each([
    ["the manifest", "bundles/pos/1.4.2/bundle.json", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(" ")])],
    ["a file", "", () => zstd(Buffer.from("another"))],
    ["the frame of all files", "bundles/pos/1.4.2/all.zst", () => zstd(Buffer.from("another"))],
  ])("where %s was changed, they fail", async (_title, named, change) => {
    const manifest = JSON.parse(readFileSync(join(fleet.base, "mirror/bundles/pos/1.4.2/bundle.json"), "utf8"));
    const path = join(fleet.base, "mirror", named === "" ? `blobs/${manifest.files[0].sha256}.zst` : named);
    const before = readFileSync(path);
    writeFileSync(path, change(before));
    await expect(follow()).rejects.toThrow("Command failed");
    writeFileSync(path, before);
    await follow();
  });
});
