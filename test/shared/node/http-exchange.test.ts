import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { bodyOf, HttpHost, type HttpHostOptions } from "../../../shared/node/http-exchange.ts";
import { createAuthority } from "../../lab/git/certificates.ts";
import { startProxy } from "../../lab/git/proxy.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const authority = createAuthority();
const serve = async (listener: RequestListener, secure = false) => {
  const server: Server = secure ? createSecureServer(authority.issue(["127.0.0.1"]), listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close().closeAllConnections());
  return `http${secure ? "s" : ""}://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
const open = (url: string, options: Partial<HttpHostOptions> = {}) => {
  const host = new HttpHost({ url, silenceMs: 5_000, ...options });
  ends.push(() => host.close());
  return host;
};
const get = async (url: string, options: Partial<HttpHostOptions> = {}, maxBytes = 1_000_000) => {
  const answer = await open(url, options).request({ url: `${url}/x`, maxBytes });
  return { status: answer.status, text: Buffer.from(await bodyOf(answer)).toString() };
};
/** Answers with these bytes, as they are. */
const raw = (bytes: string, then: "end" | "stay" = "end") =>
  serve((request) => {
    request.socket.write(bytes);
    if (then === "end") request.socket.end();
  });

test("headers go as given, statuses come as they are", async () => {
  const url = await serve((request, response) => {
    response.writeHead(request.headers["if-none-match"] === '"a"' ? 304 : 206, { "content-range": "bytes 0-1/9" });
    response.end(request.headers.range);
  });
  const host = open(url);
  const some = await host.request({ url, headers: { range: "bytes=0-1" }, maxBytes: 100 });
  expect([some.status, some.headers["content-range"]]).toEqual([206, "bytes 0-1/9"]);
  expect(Buffer.from(await bodyOf(some)).toString()).toBe("bytes=0-1");
  const none = await host.request({ url, headers: { "if-none-match": '"a"' }, maxBytes: 100 });
  expect([none.status, (await bodyOf(none)).length]).toEqual([304, 0]);
});

test("one connection serves many requests, and one that the server closed is opened anew", async () => {
  const sockets = new Set<Socket>();
  const url = await serve((request, response) => {
    sockets.add(request.socket);
    response.end("ok");
  });
  const host = open(url);
  const ask = async () => bodyOf(await host.request({ url, maxBytes: 10 }));
  await ask();
  await ask();
  expect(sockets.size).toBe(1);
  for (const socket of sockets) socket.resetAndDestroy();
  await ask();
  expect(sockets.size).toBe(2);
});

test.each([
  ["a declared length", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "unreachable"],
  ["chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "unreachable"],
  ["nothing that says where it ends", "HTTP/1.1 200 OK\r\n\r\nhalf", "malformed"],
  ["headers", "HTTP/1.1 200 OK\r\ncontent-le", "unreachable"],
  ["another protocol", "SSH-2.0-OpenSSH\r\n", "unreachable"],
])("a cut answer never looks whole: %s", async (_what, bytes, code) => {
  await expect(get(await raw(bytes))).rejects.toMatchObject({ code });
});

test("gzip is unpacked, whole or not at all, and capped when unpacked", async () => {
  const packed = gzipSync(Buffer.alloc(2_000_000));
  let cut = packed.length;
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-encoding": "gzip", "content-length": cut }).end(packed.subarray(0, cut));
  });
  expect((await get(url, {}, 2_000_000)).text).toHaveLength(2_000_000);
  await expect(get(url, {}, 1_999_999)).rejects.toMatchObject({ code: "too-large" });
  cut -= 9;
  await expect(get(url, {}, 2_000_000)).rejects.toMatchObject({ code: "malformed" });
});

test("an answer above its cap is `too-large`", async () => {
  const url = await serve((_, response) => response.end("12345"));
  await expect(get(url, {}, 4)).rejects.toMatchObject({ code: "too-large" });
  expect((await get(url, {}, 5)).text).toBe("12345");
});

test.each([
  [301, "redirects are not followed"],
  [401, "access refused"],
  [403, "access refused"],
])("%d: %s", async (status, words) => {
  const url = await serve((_, response) => response.writeHead(status, { location: "http://127.0.0.1:1/" }).end());
  await expect(get(url)).rejects.toMatchObject({ code: "unreachable", message: expect.stringContaining(words) });
});

test("silence before and within an answer", async () => {
  await expect(get(await raw("", "stay"), { silenceMs: 60 })).rejects.toThrow("silent for 0.06 s");
  const half = await raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "stay");
  await expect(get(half, { silenceMs: 60 })).rejects.toThrow("silent for 0.06 s");
});

test("a server that trickles, in its headers or in its body, is left", async () => {
  const trickling = async (before: string) =>
    serve((request) => {
      request.socket.write(before);
      const drip = setInterval(() => request.socket.write("x"), 20);
      request.socket.on("close", () => clearInterval(drip));
    });
  const slowest = { bytes: 100, withinMs: 100 };
  for (const before of ["HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", "HTTP/1.1 200 OK\r\nx-long: "]) {
    const failed = get(await trickling(before), { slowest });
    await expect(failed).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("less than 100"),
    });
  }
});

test("credentials go to their host, and to no other", async () => {
  const seen: unknown[] = [];
  const note: RequestListener = (request, response) => {
    seen.push(request.headers.authorization);
    response.end("ok");
  };
  const [url, other] = [await serve(note), await serve(note)];
  const host = open(url, { authorization: "Bearer t" });
  await bodyOf(await host.request({ url, maxBytes: 9 }));
  expect(seen).toEqual(["Bearer t"]);
  await expect(host.request({ url: other, maxBytes: 9 })).rejects.toMatchObject({ code: "internal" });
  expect(seen).toHaveLength(1);
});

test("a server is trusted by its own authority only", async () => {
  const url = await serve((_, response) => response.end("ok"), true);
  expect((await get(url, { ca: authority.ca })).text).toBe("ok");
  for (const ca of [undefined, createAuthority("Another").ca]) {
    const failed = get(url, ca === undefined ? {} : { ca });
    await expect(failed).rejects.toMatchObject({ code: "unreachable", fix: expect.stringContaining("authority") });
  }
  const misnamed = open(url.replace("127.0.0.1", "localhost"), { ca: authority.ca });
  const asked = misnamed.request({ url: url.replace("127.0.0.1", "localhost"), maxBytes: 9 });
  await expect(asked).rejects.toThrow("not trusted");
});

test("through a proxy, with a password: a tunnel for HTTPS, plain requests for HTTP", async () => {
  const answer: RequestListener = (request, response) => {
    response.end(String(request.headers["proxy-authorization"] ?? request.headers.authorization));
  };
  const [secure, plain] = [await serve(answer, true), await serve(answer)];
  const proxy = await startProxy("ann:pw");
  ends.push(proxy.stop);
  const env = (url: string) => ({ HTTPS_PROXY: url, HTTP_PROXY: url });
  const options = { ca: authority.ca, authorization: "Bearer t", proxy: env(proxy.url.replace("//", "//ann:pw@")) };
  expect((await get(secure, options)).text).toBe("Bearer t");
  expect((await get(plain, options)).text).toBe("Bearer t");
  expect(proxy.asked.map(({ what }) => what)).toEqual([`CONNECT ${new URL(secure).host}`, `GET ${plain}/x`]);
  expect(proxy.asked[0]?.headers).not.toContain("Bearer");
  for (const url of [secure, plain]) {
    const failed = get(url, { ca: authority.ca, proxy: env(proxy.url) });
    await expect(failed).rejects.toMatchObject({ code: "unreachable", message: expect.stringContaining("407") });
  }
});

test("a proxy that is silent or gone is `unreachable`", async () => {
  const mute = createTcpServer();
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  ends.push(() => mute.close());
  const silent = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  for (const url of ["https://a.invalid", "http://a.invalid"]) {
    const through = (proxy: string) => ({ proxy: { HTTPS_PROXY: proxy, HTTP_PROXY: proxy }, silenceMs: 60 });
    await expect(get(url, through(silent))).rejects.toThrow("silent for 0.06 s");
    await expect(get(url, through("http://127.0.0.1:1"))).rejects.toThrow("no connection");
  }
});
