/** What only a mirror over HTTP has: the poll, the resumed file, and a server that means harm. */
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BundleFile } from "../../../shared/bundle.ts";
import { canonicalJson } from "../../../shared/canonical.ts";
import { inWords } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { zstd } from "../../../shared/node/zstd.ts";
import { type HttpMirrorOptions, httpMirrorSource } from "../../../shared/source/mirror.ts";
import { at, packSigned } from "../../../shared/source/mirror-layout.ts";
import type { Source, VersionRef } from "../../../shared/source/source.ts";
import { startProxy } from "../../lab/git/proxy.ts";
import { commitToMirror } from "../../lab/mirror/folder.ts";
import { type StaticServer, startStaticServer } from "../../lab/mirror/server.ts";

/** Incompressible, so that a cut at a byte is a cut in the content. */
const BIG = randomBytes(200_000);
const CONTENT: Readonly<Record<string, Buffer>> = {
  "a.json": Buffer.from("alpha"),
  "b.json": BIG,
  "c.json": Buffer.alloc(0),
  "d.json": Buffer.from("delta"),
};
const FILES: BundleFile[] = Object.entries(CONTENT).map(([path, bytes]) => ({
  path,
  sha256: sha256Hex(bytes),
  size: bytes.length,
}));
const [A, B, C, D] = FILES as [BundleFile, BundleFile, BundleFile, BundleFile];
/** Of 300 MB. */
const BOMB = zstdCompressSync(Buffer.alloc(300_000_000));
const MANIFEST = canonicalJson({ files: FILES });

let folder: string;
let server: StaticServer;
let sources: Source[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skerry-mirror-"));
  server = await startStaticServer(folder);
  sources = [];
  const files = Object.fromEntries(Object.entries(CONTENT).map(([path, bytes]) => [`files/${path}`, bytes]));
  commitToMirror(folder, "bundles/pos", { "bundle.json": MANIFEST, ...files }, "1.0.0");
  put(at.all("pos", "1.0.0"), zstd(Buffer.concat(Object.values(CONTENT))));
});
afterEach(async () => {
  await Promise.all(sources.map((source) => source.close()));
  await server.stop();
  await rm(folder, { recursive: true });
});

const open = (options: Partial<HttpMirrorOptions> = {}) => {
  const source = httpMirrorSource({ url: server.url, ...options });
  sources.push(source);
  return source;
};
const put = (path: string, bytes: string | Uint8Array) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
};
const newest = async (source: Source): Promise<VersionRef> => {
  const [ref] = await source.versions((await source.heads()).get("bundles/pos") ?? "");
  return ref as VersionRef;
};
const fetched = async (source: Source, ref: VersionRef, wanted: readonly BundleFile[]) => {
  const found = new Map<string, Buffer>();
  for await (const { path, bytes } of source.blobs(ref, wanted)) {
    found.set(path, Buffer.concat([found.get(path) ?? Buffer.alloc(0), bytes]));
  }
  return found;
};
const expected = (...wanted: BundleFile[]) => new Map(wanted.map(({ path }) => [path, CONTENT[path]]));
/** Answers one path by itself. */
const instead = (path: string, answer: (response: ServerResponse) => void) => {
  server.faults.instead = (asked, response) => {
    if (asked === path) answer(response);
    return asked === path;
  };
};

describe("the poll", () => {
  test("of what did not change is one conditional request", async () => {
    const source = open();
    const first = await source.heads();
    expect(await source.heads()).toEqual(first);
    expect(server.requests).toEqual(["200 index.zst", "304 index.zst"]);
    commitToMirror(folder, "bundles/pos", { "bundle.json": "v2" }, "1.1.0");
    expect(await source.heads()).not.toEqual(first);
    expect(server.requests.at(-1)).toBe("200 index.zst");
  });

  test("that came damaged is not remembered", async () => {
    const source = open();
    server.faults.garble = 20;
    await expect(source.heads()).rejects.toMatchObject({ code: "malformed" });
    server.faults.garble = null;
    expect((await source.heads()).size).toBe(1);
  });

  test("works where the server has no validators", async () => {
    server.faults.noValidators = true;
    const source = open();
    expect(await source.heads()).toEqual(await source.heads());
  });
});

describe("the files of a version", () => {
  test("come out of one frame where most are wanted, in one request", async () => {
    const source = open();
    const ref = await newest(source);
    await source.manifest(ref);
    server.requests.length = 0;
    expect(await fetched(source, ref, FILES)).toEqual(expected(...FILES));
    expect(await fetched(source, ref, [A, B, C])).toEqual(expected(A, B, C));
    expect(server.requests).toEqual(["200 bundles/pos/1.0.0/all.zst", "200 bundles/pos/1.0.0/all.zst"]);
  });

  test("come one by one where few are wanted, or in another order, or there is no such frame", async () => {
    const source = open();
    const ref = await newest(source);
    await source.manifest(ref);
    server.requests.length = 0;
    expect(await fetched(source, ref, [A, D])).toEqual(expected(A, D));
    expect(await fetched(source, ref, [D, B])).toEqual(expected(D, B));
    expect(server.requests.every((line) => line.startsWith("200 blobs/"))).toBe(true);
    rmSync(join(folder, at.all("pos", "1.0.0")));
    expect(await fetched(source, ref, FILES)).toEqual(expected(...FILES));
  });

  test("are known without having asked for the manifest", async () => {
    const ref = await newest(open());
    expect(await fetched(open(), ref, FILES)).toEqual(expected(...FILES));
  });

  test("that ends early in its frame is `malformed`", async () => {
    const source = open();
    put(at.all("pos", "1.0.0"), zstd(Buffer.concat(Object.values(CONTENT)).subarray(0, 5000)));
    await expect(fetched(source, await newest(source), FILES)).rejects.toMatchObject({ code: "malformed" });
  });

  test("can be left in the middle", async () => {
    const source = open();
    const ref = await newest(source);
    for await (const chunk of source.blobs(ref, FILES)) if (chunk.path === B.path) break;
    for await (const chunk of source.blobs(ref, [D, B, A])) if (chunk.path === B.path) break;
    expect(await fetched(source, ref, [D])).toEqual(expected(D));
  });
});

describe("a file that is cut", () => {
  /** Breaks the connection off once, after so many bytes. */
  const cutOnce = (after: number) => {
    server.faults.reset = after;
    server.faults.instead = () => {
      if (server.requests.some((line) => line.includes("blobs/") || line.includes("all.zst"))) {
        server.faults.reset = null;
      }
      return false;
    };
  };

  test.each([
    ["one alone", [B], "206 blobs/"],
    ["the frame of all", FILES, "206 bundles/pos/1.0.0/all.zst bytes=70000-"],
  ])("is continued at the byte: %s", async (_, wanted, resumed) => {
    const source = open();
    const ref = await newest(source);
    await source.manifest(ref);
    cutOnce(70_000);
    expect(await fetched(source, ref, wanted)).toEqual(expected(...wanted));
    expect(server.requests.at(-1)).toContain(resumed);
    expect(server.requests.at(-1)).toContain("bytes=70000-");
  });

  test("is continued where the server always sends all of it", async () => {
    const source = open();
    const ref = await newest(source);
    server.faults.noRanges = true;
    cutOnce(70_000);
    expect(await fetched(source, ref, [B])).toEqual(expected(B));
  });

  test("is not continued where it has become another file, nor without a validator", async () => {
    const source = open();
    const ref = await newest(source);
    server.faults.reset = 70_000;
    const changed = (_path: string) => {
      if (server.requests.some((line) => line.includes("blobs/"))) put(at.blob(B.sha256), zstd(randomBytes(200_000)));
      return false;
    };
    server.faults.instead = changed;
    await expect(fetched(source, ref, [B])).rejects.toMatchObject({ code: "unreachable" });
    put(at.blob(B.sha256), zstd(BIG));
    Object.assign(server.faults, { instead: null, noValidators: true });
    await expect(fetched(source, ref, [B])).rejects.toMatchObject({ code: "unreachable" });
  });

  test("is given up where each connection brings next to nothing", async () => {
    const source = open();
    const ref = await newest(source);
    server.requests.length = 0;
    server.faults.reset = 500;
    await expect(fetched(source, ref, [B])).rejects.toMatchObject({ code: "unreachable" });
    expect(server.requests).toHaveLength(4);
  });
});

describe("a server that means harm", () => {
  const zeros = (response: ServerResponse) => {
    response.writeHead(200, { "content-length": String(2 ** 40), etag: '"z"' });
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on("drain", more);
    more();
  };

  test.each([at.index, at.versions("pos"), at.manifest("pos", "1.0.0")])("endless: %s", async (path) => {
    const source = open();
    const ref = await newest(source);
    instead(path, zeros);
    const reading = path === at.manifest("pos", "1.0.0") ? source.manifest(ref) : newest(open());
    await expect(reading).rejects.toMatchObject({ code: "too-large" });
  });

  test("a bomb and a frame that unpacks to nothing without an end", async () => {
    const source = open();
    const ref = await newest(source);
    const before = process.memoryUsage.rss();
    put(at.blob(A.sha256), BOMB);
    expect((await fetched(source, ref, [A])).get("a.json")?.length).toBeLessThan(1_000_000);
    put(at.manifest("pos", "1.0.0"), BOMB);
    await expect(source.manifest(ref)).rejects.toMatchObject({ code: "too-large" });
    // Skippable frames (RFC 8878, 3.1.2) of no content each.
    const skippable = Buffer.from("502a4d1800000000", "hex");
    put(at.blob(A.sha256), Buffer.concat(Array.from({ length: 100_000 }, () => skippable)));
    await expect(fetched(source, ref, [A])).rejects.toMatchObject({ code: "too-large" });
    expect(process.memoryUsage.rss() - before).toBeLessThan(400_000_000);
  });

  test("trickling or silent", async () => {
    const ref = await newest(open());
    instead(at.blob(B.sha256), (response) => {
      response.writeHead(200, { "content-length": "200000", etag: '"t"' });
      const bytes = zstd(BIG);
      let at = 0;
      const timer = setInterval(() => response.write(bytes.subarray(at, ++at)), 5);
      response.on("close", () => clearInterval(timer));
    });
    const slowest = { bytes: 1000, withinMs: 100 };
    await expect(fetched(open({ slowest }), ref, [B])).rejects.toThrow("less than 1000 bytes in 0.1 s");
    instead(at.index, () => {});
    await expect(open({ silenceMs: 50 }).heads()).rejects.toThrow("silent for 0.05 s");
  });

  test("another body than the index names", async () => {
    const source = open();
    const ref = await newest(source);
    put(at.manifest("pos", "1.0.0"), packSigned({ body: Buffer.from("another"), signatures: new Map() }));
    await expect(source.manifest(ref)).rejects.toMatchObject({ code: "digest" });
  });

  test.each([
    ["a path for a name", { bundles: { "../../etc": ["1.0.0", "a".repeat(32), 0] }, sites: {} }],
    ["a path for a version", { bundles: { pos: ["../x", "a".repeat(32), 0] }, sites: {} }],
    ["a key that nobody knows", { bundles: {}, sites: {}, more: 1 }],
    ["no JSON", "{"],
  ])("an index with %s is `malformed`, and no other address is asked for", async (_, index) => {
    put(at.index, zstd(Buffer.from(typeof index === "string" ? index : canonicalJson(index))));
    await expect(open().heads()).rejects.toMatchObject({ code: "malformed" });
    expect(server.requests).toEqual(["200 index.zst"]);
  });

  test("names from elsewhere never become paths", async () => {
    const source = open();
    for (const call of [
      () => source.record("sites-3@x", "../index"),
      () => source.versions("bundles/../../index@1@a"),
      () => source.manifest({ branch: "bundles/pos", id: "x", version: "../../../etc" }),
      () => source.delta("deltas/pos@../..@a", "a".repeat(64)),
      () => source.delta("deltas/pos@1.0.0@a", "../../../etc"),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "malformed" });
    }
    expect(server.requests).toEqual([]);
  });

  test("redirects, refusals and other answers", async () => {
    const answer = (status: number, headers = {}) =>
      instead(at.index, (response) => response.writeHead(status, { "content-length": "0", ...headers }).end());
    answer(302, { location: "http://127.0.0.1:1/" });
    await expect(open().heads()).rejects.toThrow("redirects are not followed");
    answer(403);
    await expect(open().heads()).rejects.toThrow("access refused");
    answer(503);
    await expect(open().heads()).rejects.toMatchObject({ code: "unreachable" });
    answer(404);
    await expect(open().heads()).rejects.toMatchObject({ code: "not-found", where: `${server.url}/index.zst` });
    answer(304);
    await expect(open().heads()).rejects.toMatchObject({ code: "unreachable" });
  });
});

test("through a proxy, as the environment names it", async () => {
  const proxy = await startProxy();
  try {
    const heads = await open({ proxy: { http_proxy: proxy.url } }).heads();
    expect(heads).toEqual(await open().heads());
    expect(proxy.asked.map(({ what }) => what)).toEqual([`GET ${server.url}/index.zst`]);
  } finally {
    await proxy.stop();
  }
});

test("credentials are sent and shown nowhere", async () => {
  const source = open({ url: server.url.replace("//", "//ada:s%40cret@") });
  expect(source.address).toBe(server.url);
  let sent: string | undefined;
  server.faults.instead = (_, response) => {
    sent = response.req.headers.authorization;
    response.writeHead(500, { "content-length": "0" }).end();
    return true;
  };
  expect(inWords(await source.heads().catch((error: unknown) => error))).not.toMatch(/cret/);
  expect(sent).toBe(`Basic ${Buffer.from("ada:s@cret").toString("base64")}`);
});
