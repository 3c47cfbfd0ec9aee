import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { connect } from "../../../agent/apply/connect.ts";

const CONFIG_MAP = { apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "a" };
const seen: { path: string; authorization: string | undefined }[] = [];
const server = createServer((request, response) => {
  seen.push({ path: request.url ?? "", authorization: request.headers.authorization });
  const resources = [{ kind: "ConfigMap", name: "configmaps", namespaced: true }];
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(request.url?.endsWith("/api/v1") ? { resources } : object));
});
let folder = "";
let url = "";

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "skerry-connect-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  seen.length = 0;
});

async function file(name: string, text: string): Promise<string> {
  const written = path.join(folder, name);
  await writeFile(written, text);
  return written;
}

function kubeconfig(cluster: object, user: object): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster }],
    users: [{ name: "u", user }],
  });
}

test("a token that was renewed is used from then on", async () => {
  const tokenFile = await file("token", "first\n");
  const kube = await connect({ server: url, tokenFile });
  await kube.get(CONFIG_MAP);
  await writeFile(tokenFile, "second\n");
  await utimes(tokenFile, 1, 1);
  await kube.get(CONFIG_MAP);
  await rm(tokenFile);
  await expect(kube.get(CONFIG_MAP)).rejects.toMatchObject({ kubeClass: "unreachable", where: tokenFile });
  kube.close();
  const tokens = seen.filter((each) => each.path !== "/api/v1").map((each) => each.authorization);
  expect(tokens).toEqual(["Bearer first", "Bearer second"]);
});

test("a token that cannot be sent leaves the server out of reach, and is not told", async () => {
  const kube = await connect({ server: url, tokenFile: await file("torn", "one\ntwo") });
  const error = await kube.get(CONFIG_MAP).catch((caught: unknown) => caught);
  kube.close();
  expect(error).toMatchObject({ kubeClass: "unreachable", reason: "ERR_INVALID_CHAR" });
  expect(String(error)).not.toContain("two");
  expect(seen).toEqual([]);
});

test("a server behind a path keeps it", async () => {
  const kube = await connect({ server: `${url}/clusters/s1/`, tokenFile: await file("token2", "t") });
  await kube.get(CONFIG_MAP);
  kube.close();
  expect(seen.map((each) => each.path)).toEqual([
    "/clusters/s1/api/v1",
    "/clusters/s1/api/v1/namespaces/shop/configmaps/a",
  ]);
});

test("a kubeconfig's current context counts", async () => {
  const cluster = { server: url, "insecure-skip-tls-verify": true };
  const kube = await connect({ kubeconfig: await file("config", kubeconfig(cluster, { token: "from-config" })) });
  await kube.get(CONFIG_MAP);
  kube.close();
  expect(seen.at(-1)?.authorization).toBe("Bearer from-config");
});

test("an exec plugin of a kubeconfig is asked for the token", async () => {
  const credential = {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token: "run" },
  };
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: process.execPath,
    args: ["-e", `console.log(${JSON.stringify(JSON.stringify(credential))})`],
  };
  const cluster = { server: url, "insecure-skip-tls-verify": true };
  const kube = await connect({ kubeconfig: await file("exec", kubeconfig(cluster, { exec })) });
  await kube.get(CONFIG_MAP);
  kube.close();
  expect(seen.at(-1)?.authorization).toBe("Bearer run");
});

test("what cannot be used is a fault of the configuration, and says where", async () => {
  const tokenFile = path.join(folder, "nowhere");
  await expect(connect({ server: url, tokenFile })).rejects.toMatchObject({ code: "config", where: tokenFile });
  await expect(connect({ server: "ftp://a" })).rejects.toMatchObject({ code: "config" });
  for (const text of ["{", "[]", kubeconfig({ server: url, "proxy-url": "http://p" }, { token: "t" })]) {
    const where = await file("broken", text);
    await expect(connect({ kubeconfig: where })).rejects.toMatchObject({ code: "config", where });
  }
});

test("a server that is not there is unreachable, and says which", async () => {
  const kube = await connect({ server: "http://127.0.0.1:9", tokenFile: await file("token3", "t") });
  const host = "127.0.0.1:9";
  await expect(kube.get(CONFIG_MAP)).rejects.toMatchObject({ kubeClass: "unreachable", where: host });
  kube.close();
});
