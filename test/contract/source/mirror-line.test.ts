/** A mirror as the publisher makes it, over a line that costs and breaks. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import { AppError } from "../../../shared/errors.ts";
import { changedFiles, deltaFiles, openDelta } from "../../../shared/node/delta.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { httpMirrorSource } from "../../../shared/source/mirror.ts";
import type { Source } from "../../../shared/source/source.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, TILL_YAML } from "../../hub/build/fixture.ts";
import { type Line, openLine } from "../../lab/git/line.ts";
import { commitToMirror } from "../../lab/mirror/folder.ts";
import { type StaticServer, startStaticServer } from "../../lab/mirror/server.ts";

let fleet: FleetFixture;
let server: StaticServer;
let line: Line;
let before: Held;
/** What the newest version is, by the publisher's own files. */
let wanted: string[];

/** What a site has of a version. */
interface Held {
  heads: ReadonlyMap<string, string>;
  body: Uint8Array;
  files: ReadonlyMap<string, Uint8Array>;
}

beforeAll(async () => {
  fleet = await fleetFixture();
  const mirror = join(fleet.base, "mirror");
  await fleet.skerry("site", "sign", "../site.yaml", "--key", "../ada");
  fleet.git("push", "--quiet", "origin", "main");
  server = await startStaticServer(mirror);
  line = await openLine({ port: server.port });
  await release("1.4.2", "good morning");
  // The size that the goal names: 10 bundles, 16 groups of records.
  for (const name of "abcdefghi") commitToMirror(mirror, `bundles/shop-${name}`, { "bundle.json": name }, "12.34.56");
  for (const group of "013456789abcdef") commitToMirror(mirror, `sites-${group}`, { "sites/x.json": group }, "x");
  await using(async (source) => {
    before = await whole(source);
  });
  await release("1.5.0", "good evening");
  await using(async (source) => {
    wanted = listed(await whole(source));
  });
});
afterAll(async () => {
  await line.stop();
  await server.stop();
  await fleet.remove();
});

async function release(version: string, greeting: string): Promise<void> {
  await fleet.write("bundles/pos/bundle.yaml", BUNDLE_YAML.replace("1.4.2", version));
  await fleet.write("bundles/pos/manifests/till.yaml", TILL_YAML.replace('"yes"', JSON.stringify(greeting)));
  fleet.commit(version);
  await buildAndSign(fleet, version);
  for (const to of [[], ["--to", "../mirror"]]) {
    const { code, err } = await fleet.skerry("bundle", "publish", `pos@${version}`, ...to);
    if (code !== 0) throw new Error(err.join("\n"));
  }
}

async function using<T>(run: (source: Source) => Promise<T>): Promise<T> {
  const source = httpMirrorSource({ url: `http://127.0.0.1:${line.port}` });
  try {
    return await run(source);
  } finally {
    await source.close();
  }
}

/** An update without a delta. */
async function whole(source: Source): Promise<Held> {
  const heads = await source.heads();
  const [ref] = await source.versions(heads.get("bundles/pos") ?? "");
  if (ref === undefined) throw new Error("no version");
  const { body } = await source.manifest(ref);
  const { files } = JSON.parse(Buffer.from(body).toString()) as Bundle;
  const found = new Map<string, Uint8Array>();
  for await (const { path, bytes } of source.blobs(ref, files)) {
    found.set(path, Buffer.concat([found.get(path) ?? Buffer.alloc(0), bytes]));
  }
  return { heads, body, files: found };
}

/** An update by the delta from what is held. */
async function byDelta(source: Source): Promise<Held> {
  const heads = await source.heads();
  const frame = await source.delta(heads.get("deltas/pos") ?? "", sha256Hex(before.body));
  if (frame === null) throw new Error("no delta");
  const { body } = openDelta(frame, before.body);
  const [old, next] = [before.body, body].map((each) => JSON.parse(Buffer.from(each).toString()) as Bundle);
  if (old === undefined || next === undefined) throw new Error("no manifest");
  const changed = changedFiles(old, next);
  const unpacked = deltaFiles(frame, changed, (path) => before.files.get(path) ?? null);
  const files = new Map(before.files);
  for (const [index, { path }] of changed.entries()) files.set(path, unpacked[index] ?? Buffer.alloc(0));
  return { heads, body, files };
}

function listed({ body, files }: Held): string[] {
  return [sha256Hex(body), ...[...files].map(([path, bytes]) => `${path} ${sha256Hex(bytes)}`)];
}

test("a poll with nothing new and an update by a delta cost what they may", async () => {
  await using(async (source) => {
    await source.heads();
    const poll = await line.spent(() => source.heads());
    expect(poll).toBeLessThan(500);
  });
  const { connections } = line.counted;
  const update = await using((source) => line.spent(async () => expect(listed(await byDelta(source))).toEqual(wanted)));
  expect(update).toBeLessThan(2000);
  expect(line.counted.connections - connections).toBe(1);
});

describe.each([
  ["whole", whole],
  ["by a delta", byDelta],
])("an update %s, cut at every byte", (_, update) => {
  test("is thrown or whole, never half, and whole when the line is back", { timeout: 60_000 }, async () => {
    let size = 0;
    await using(async (source) => {
      const { down } = line.counted;
      await update(source);
      size = line.counted.down - down;
    });
    expect(size).toBeGreaterThan(1000);
    for (let at = 0; at <= size; at += 1) {
      await using(async (source) => {
        line.cutAfter(at);
        const got = await update(source).then(listed, (error: unknown) => error);
        if (got instanceof AppError) expect([at, got.code]).toEqual([at, "unreachable"]);
        else expect([at, got]).toEqual([at, wanted]);
        line.cutAfter(null);
        if (at % 16 === 0) expect(listed(await update(source))).toEqual(wanted);
      });
    }
  });

  test("goes on at the byte where a second connection lasts", { timeout: 60_000 }, async () => {
    let resumed = 0;
    server.faults.instead = (_path, response) => {
      if (response.req.headers.range === undefined) return false;
      line.cutAfter(null);
      resumed += 1;
      return false;
    };
    for (let at = 200; at <= 1800; at += 7) {
      await using(async (source) => {
        line.cutAfter(at);
        const got = await update(source).then(listed, (error: unknown) => error);
        if (got instanceof AppError) expect([at, got.code]).toEqual([at, "unreachable"]);
        else expect([at, got]).toEqual([at, wanted]);
        line.cutAfter(null);
      });
    }
    server.faults.instead = null;
    expect(resumed).toBeGreaterThan(20);
  });
});
