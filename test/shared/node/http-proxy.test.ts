import { describe, expect, test } from "vitest";
import { inWords } from "../../../shared/errors.ts";
import { proxyFor } from "../../../shared/node/http-proxy.ts";

const host = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.host ?? null;

test.each([
  ["https://a.example/x", { HTTPS_PROXY: "http://p:1" }, "p:1"],
  ["https://a.example/x", { HTTP_PROXY: "http://p:1" }, null],
  ["http://a.example/x", { HTTP_PROXY: "http://p:1" }, "p:1"],
  ["https://a.example/x", { https_proxy: "http://low:1", HTTPS_PROXY: "http://up:1" }, "low:1"],
  ["https://a.example/x", { https_proxy: "", HTTPS_PROXY: "http://up:1" }, "up:1"],
  ["https://a.example/x", { HTTPS_PROXY: "p:3128" }, "p:3128"],
  ["https://a.example/x", {}, null],
])("%s with %j", (url, env, expected) => {
  expect(host(url, env)).toBe(expected);
});

describe("NO_PROXY", () => {
  test.each([
    ["*", "https://a.example", true],
    ["a.example", "https://a.example", true],
    ["A.Example", "https://a.example", true],
    ["example", "https://a.example", true],
    [".example", "https://a.example", true],
    ["*.example", "https://a.example", true],
    ["ample", "https://a.example", false],
    ["b.example, a.example", "https://a.example", true],
    ["a.example:443", "https://a.example", true],
    ["a.example:8443", "https://a.example", false],
    ["10.0.0.0/8", "https://10.1.2.3", true],
    ["10.0.0.0/8", "https://11.1.2.3", false],
    ["10.0.0.0/8", "https://ten.example", false],
    ["10.0.0.0/99", "https://10.1.2.3", false],
    ["2.3", "https://10.1.2.3", false],
    ["::1", "https://[::1]:8443", true],
    ["[::1]:8443", "https://[::1]:8443", true],
    ["fd00::/8", "https://[fd12::1]", true],
    ["", "https://a.example", false],
  ])("%s exempts %s: %s", (no, url, exempt) => {
    expect(host(url, { HTTPS_PROXY: "http://p:1", NO_PROXY: no })).toBe(exempt ? null : "p:1");
  });
});

test.each(["socks5://u:secret@p:1", "http://u:secret@", "http://u:secret@p:x"])(
  "%s is no proxy, and is not shown",
  (value) => {
    let error: unknown;
    try {
      proxyFor(new URL("https://a.example"), { HTTPS_PROXY: value });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "config", where: "HTTPS_PROXY" });
    expect(inWords(error)).not.toContain("secret");
  },
);
