/** Servers that are no Git servers, other ones than expected, or liars. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { commitOf, idOf, type Packed, packOf, startLiar, treeOf } from "../../lab/git/liar.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { gitLab, headOf } from "./git-lab.ts";

const stranger = async (listener: RequestListener) => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => server.close().closeAllConnections());
  return (await gitLab()).source({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fleet.git` });
};
const commit = "1".repeat(40);

test("a page to log in is `malformed`, whatever status it comes with", async () => {
  for (const status of [200, 405]) {
    const source = await stranger((request, response) => {
      response.writeHead(request.method === "GET" ? 200 : status, { "content-type": "text/html; charset=utf-8" });
      response.end("<!DOCTYPE html><title>Sign in</title>");
    });
    const words = { code: "malformed", message: "the server answers with a web page" };
    await expect(source.heads()).rejects.toMatchObject({ ...words, fix: expect.stringContaining("log in") });
  }
});

test("a server that only hands out files is `malformed`", async () => {
  const source = await stranger((request, response) => {
    if (request.method === "POST") response.writeHead(501).end();
    else response.writeHead(200, { "content-type": "text/plain" }).end(`${commit}\trefs/heads/main\n`);
  });
  await expect(source.heads()).rejects.toMatchObject({ code: "malformed", fix: expect.stringContaining("smart HTTP") });
});

test.each([
  [404, "not-found", "has no such repository"],
  [429, "unreachable", "answers 429"],
  [503, "unreachable", "answers 503"],
])("status %d is `%s`", async (status, code, words) => {
  const source = await stranger((_, response) => response.writeHead(status).end("<html>"));
  await expect(source.heads()).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  const fetched = source.versions(`bundles/pos@${commit}`);
  await expect(fetched).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
});

test("what a server gives as its reason is passed on, and no more of it than a line", async () => {
  const reason = `ERR \u001b[31mtoo busy ${"!".repeat(1_000)}\n`;
  const source = await stranger((request, response) => {
    void request.toArray().then((chunks) => {
      const listed = Buffer.concat(chunks).includes("ls-refs");
      response.end(listed ? "0000" : `${(reason.length + 4).toString(16).padStart(4, "0")}${reason}`);
    });
  });
  const failed: unknown = await source.versions(`bundles/pos@${commit}`).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "unreachable", message: expect.stringContaining("gives up: [31mtoo busy !!!") });
  expect((failed as Error).message.length).toBeLessThan(300);
});

test("protocol 2 is not needed", async () => {
  const { repository, source: open, server } = await gitLab({ old: true });
  for (const name of ["1", "2"]) commitFiles(repository, "bundles/pos", { "bundle.json": name }, name);
  commitFiles(repository, "feature/x", { a: "b" }, "work");
  const source = open();
  expect([...(await source.heads()).keys()]).toEqual(["bundles/pos"]);
  const head = await headOf(source, "bundles/pos");
  expect(await source.versions(head)).toHaveLength(2);
  const { requests } = server.served;
  await source.heads();
  expect(server.served.requests - requests).toBe(1);
  await source.close();
  // A child that was never asked for heads must find out by itself.
  expect(await open({ dir: `${repository}/../others` }).versions(head)).toHaveLength(2);
});

const blob: Packed = { type: "blob", content: Buffer.from("{}") };
const tree = treeOf([{ name: "bundle.json", id: idOf(blob) }]);
const promised = commitOf(idOf(tree));
const liar = async () => {
  const server = await startLiar();
  onTestFinished(server.stop);
  server.heads["bundles/pos"] = idOf(promised);
  const source = (await gitLab()).source({ url: server.url });
  return { server, source, head: await headOf(source, "bundles/pos") };
};

test.each([
  ["the commit", [tree, blob]],
  ["its tree", [promised, blob]],
  ["a file", [promised, tree]],
  ["anything", []],
])("a server that never sends %s is `malformed`, until it does", async (_what, sent) => {
  const { server, source, head } = await liar();
  const manifest = async () => {
    const [newest] = await source.versions(head);
    return newest === undefined ? undefined : (await source.manifest(newest)).body;
  };
  server.pack = packOf(sent);
  for (let time = 0; time < 3; time += 1) await expect(manifest()).rejects.toMatchObject({ code: "malformed" });
  server.pack = packOf([promised, tree, blob]);
  expect(Buffer.from((await manifest()) ?? []).toString()).toBe("{}");
});

const whole = packOf([promised, tree, blob]);
test.each([
  ["a byte turned", Buffer.from(whole.map((byte, at) => (at === 40 ? byte ^ 1 : byte)))],
  ["its end missing", whole.subarray(0, -30)],
  ["an object longer than it says", packOf([promised, tree, { ...blob, size: 1 }])],
  ["an object shorter than it says", packOf([promised, tree, { ...blob, size: 3 }])],
  ["something that is no pack", Buffer.from("PAC")],
])("a pack with %s is `malformed`", async (_what, pack) => {
  const { server, source, head } = await liar();
  server.pack = Buffer.from(pack);
  await expect(source.versions(head)).rejects.toMatchObject({ code: "malformed" });
  server.pack = whole;
  expect(await source.versions(head)).toHaveLength(1);
});
