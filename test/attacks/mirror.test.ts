import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { HEAD_NAMESPACE } from "../../shared/head.ts";
import { zstd } from "../../shared/node/zstd.ts";
import { at as lies } from "../../shared/source/mirror-layout.ts";
import { commitToMirror } from "../lab/mirror/folder.ts";
import { startStaticServer } from "../lab/mirror/server.ts";
import { keys, rootDocument, sign, signedSite } from "../support/fleet.ts";
import { type AttackedSite, at, attackedSite, ownerOf, until, v } from "./site.ts";

/** Who holds the mirror that a site asks first. Git comes second, and the alarm before it. */

let site: AttackedSite;
let folder: string;
let mirror: ReturnType<typeof ownerOf>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "skerry-mirror-"));
  const server = await startStaticServer(folder);
  onTestFinished(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  const roles = { ...rootDocument().roles, head: { keys: ["root2"], threshold: 1 } };
  site = await attackedSite({
    sources: (git) => [`{ mirror: "${server.url}" }`, `{ git: "${git}/fleet.git" }`],
    root: { roles, head: { freshFor: "1h" } },
  });
  mirror = ownerOf((branch, files, subject, anew) => commitToMirror(folder, branch, files, subject, anew));
  mirror.root(1, site.root);
  mirror.record(signedSite());
});

const runs = (greeting: string) =>
  until(
    () => site.greeting(),
    (seen) => seen === greeting,
    `${greeting} does not run`,
  );

const blobOf = (seq: number) => {
  const { files } = JSON.parse(Buffer.from(v(seq).document.body).toString()) as { files: { sha256: string }[] };
  return join(folder, lies.blob(files[0]?.sha256 ?? ""));
};

it.each<[string, () => Uint8Array]>([
  ["a decompression bomb of 2 GB in place of a file", () => zstdCompressSync(Buffer.alloc(2_000_000_000))],
  ["other bytes in place of a file", () => zstd(Buffer.from("{}"))],
  ["no zstd at all in place of a file", () => Buffer.from("<html>404</html>")],
])("%s: the mirror is set aside with an alarm, and the next source serves", async (_title, bytes) => {
  for (const owner of [mirror, site.owner]) owner.publish(v(1));
  writeFileSync(blobOf(1), bytes());
  const before = process.memoryUsage().rss;
  await site.assign(v(1));
  await runs("v1");
  const [told] = await until(
    () => site.events("source"),
    (events) => events.length > 0,
    "nobody was told",
  );
  expect(told).toMatchObject({ words: expect.stringContaining("set aside") });
  expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(400);
});

it("indefinite freeze: a mirror that shows nothing new is found out by the head that it has to show, or by its age", async () => {
  const head = (number: number, newest: number, createdAt: string) =>
    sign({ fleet: "shops", number, createdAt, root: 1, newest: { pos: [1, newest] } }, HEAD_NAMESPACE, {
      root2: keys.root2,
    });
  const trust = (document: ReturnType<typeof head>) => ({
    "root/1.json": site.root.body,
    ...Object.fromEntries([...site.root.signatures].map(([key, armored]) => [`root/1.json.${key}.sig`, armored])),
    "head.json": document.body,
    ...Object.fromEntries([...document.signatures].map(([key, armored]) => [`head.json.${key}.sig`, armored])),
  });
  mirror.publish(v(1));
  mirror.files("trust", trust(head(1, 1, at(-60_000))));
  await site.assign(v(1));
  await runs("v1");
  const report = (what: string, holds: (withheld: string | undefined, head: number | undefined) => boolean) =>
    until(
      () => site.hub.reports.at(-1),
      (seen) => seen !== undefined && holds(seen.withheld, seen.head),
      what,
    );
  await report("it does not say that it is up to date", (withheld, number) => withheld === undefined && number === 1);
  // The owners published 1.1.0, and the mirror lets the head through, for it cannot forge one, and not the version.
  mirror.files("trust", trust(head(2, 2, at(-30_000))));
  await report("it does not notice", (withheld, number) => withheld !== undefined && number === 2);
  mirror.publish(v(2));
  await report("it still suspects", (withheld) => withheld === undefined);
  site.clock.ahead = 2 * 3_600_000;
  site.owner.publish(v(1));
  await site.assign(v(2), { expires: at(9 * 3_600_000) });
  await report("it takes an old head for news", (withheld) => withheld !== undefined);
});
