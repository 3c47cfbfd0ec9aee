/** Credentials, certificates and proxies of a source over Git. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { createAuthority } from "../../lab/git/certificates.ts";
import { startProxy } from "../../lab/git/proxy.ts";
import { commitFiles } from "../../lab/git/repository.ts";
import { gitLab, headOf, sourceOf } from "./git-lab.ts";

const authority = createAuthority();
const basic = `Basic ${Buffer.from("ada:s@cret").toString("base64")}`;
const secureLab = async () => {
  const lab = await gitLab({ tls: authority.issue(["127.0.0.1"]), allowed: ["Bearer s@cret", basic] });
  commitFiles(lab.repository, "trust", { "root/1.json": "one" }, "root 1");
  return lab;
};

test("a token, and a user with a password, over HTTPS with an own authority", async () => {
  const lab = await secureLab();
  const url = `${lab.server.url}/fleet.git`;
  for (const options of [
    { auth: { bearer: "s@cret" } },
    { auth: { basic: { user: "ada", password: "s@cret" } } },
    { url: url.replace("//", "//ada:s%40cret@") },
  ]) {
    const source = lab.source({ ca: authority.ca, ...options });
    expect(source.address).toBe(url);
    expect(await source.roots(await headOf(source, "trust"), 0)).toHaveLength(1);
    await source.close();
  }
});

test("refused credentials are said, and shown nowhere", async () => {
  const lab = await secureLab();
  for (const options of [
    { auth: { bearer: "hidden" } },
    { auth: { basic: { user: "ada", password: "hidden" } } },
    { url: `${lab.server.url}/fleet.git`.replace("//", "//ada:hidden@") },
  ]) {
    const source = lab.source({ ca: authority.ca, ...options });
    const error: unknown = await source.heads().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unreachable", message: expect.stringContaining("access refused") });
    const shown = inspect(error, { depth: 9, showHidden: true }) + source.address;
    expect(shown).not.toMatch(/hidden|YWRhOmhpZGRlbg/);
  }
});

test.each(["not an address hidden", "ssh://ada:hidden@host/x", "https://host/x?token=hidden", "/srv/hidden"])(
  "%s is refused without being shown",
  (url) => {
    let error: unknown;
    try {
      sourceOf({ url, dir: "/nowhere" });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "config" });
    expect(inspect(error, { depth: 9 }).replaceAll(/^\s+at .*$/gm, "")).not.toContain("hidden");
  },
);

test("an authority that does not vouch for the server", async () => {
  const lab = await secureLab();
  const source = lab.source({ auth: { bearer: "s@cret" }, ca: createAuthority("Another").ca });
  await expect(source.heads()).rejects.toMatchObject({
    code: "unreachable",
    message: expect.stringContaining("not trusted"),
  });
});

test("through a proxy, that sees no credentials; NO_PROXY goes round it", async () => {
  const lab = await secureLab();
  const proxy = await startProxy();
  onTestFinished(proxy.stop);
  const options = { ca: authority.ca, auth: { bearer: "s@cret" } };
  const source = lab.source({ ...options, proxy: { HTTPS_PROXY: proxy.url } });
  expect(await source.roots(await headOf(source, "trust"), 0)).toHaveLength(1);
  expect(proxy.asked.map(({ what }) => what)).toEqual([`CONNECT ${new URL(lab.server.url).host}`]);
  expect(proxy.asked[0]?.headers).not.toContain("cret");
  await source.close();
  const round = lab.source({ ...options, proxy: { HTTPS_PROXY: proxy.url, NO_PROXY: "127.0.0.0/8" } });
  await round.heads();
  expect(proxy.asked).toHaveLength(1);
});

test("a redirect is not followed: the other host is never asked", async () => {
  let asked = 0;
  const other = createServer((_, response) => {
    asked += 1;
    response.end();
  });
  const target = await new Promise<string>((resolve) => {
    other.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(other.address() as AddressInfo).port}`));
  });
  const redirecting = createServer((request, response) => {
    response.writeHead(307, { location: `${target}${request.url}` }).end();
  });
  await new Promise<void>((resolve) => redirecting.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const server of [other, redirecting]) server.close().closeAllConnections();
  });
  const lab = await gitLab();
  const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/fleet.git`;
  const source = lab.source({ url, auth: { bearer: "s@cret" } });
  await expect(source.heads()).rejects.toThrow("redirects are not followed");
  await expect(source.roots(`trust@${"1".repeat(40)}`, 0)).rejects.toThrow("redirects are not followed");
  expect(asked).toBe(0);
});
