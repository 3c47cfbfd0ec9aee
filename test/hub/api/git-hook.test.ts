import { createHmac } from "node:crypto";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { GitHook } from "../../../hub/api/git-hook.ts";

const SECRET = "a-long-random-word";
const NOW = Date.parse("2026-11-02T08:00:00Z");
const BODY = '{"ref":"refs/heads/main"}';
const hmac = (text: string, key: string | Buffer = SECRET) => createHmac("sha256", key).update(text);

function hookOf(secret: string | undefined = SECRET) {
  const app = new Hono();
  let wakes = 0;
  const hook = new GitHook({ secret, now: () => NOW, wake: () => (wakes += 1) });
  app.post("/hooks/git", (context) => hook.take(context));
  const post = async (headers: Record<string, string>, body = BODY) =>
    (await app.request("/hooks/git", { method: "POST", headers, body })).status;
  return { post, wakes: () => wakes };
}

const dated = (key: string | Buffer, at: number) => {
  const seconds = String(at / 1000);
  const signature = `v1,${hmac(`msg_1.${seconds}.${BODY}`, key).digest("base64")}`;
  return { "webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": `v1,AAAA ${signature}` };
};

test.each<[string, Record<string, string>]>([
  ["GitHub", { "x-hub-signature-256": `sha256=${hmac(BODY).digest("hex")}`, "x-github-delivery": "1" }],
  ["Gitea", { "x-gitea-signature": hmac(BODY).digest("hex"), "x-gitea-delivery": "1" }],
  ["GitLab", { "x-gitlab-token": SECRET }],
  ["GitLab with a signing token", dated(SECRET, NOW - 60_000)],
])("%s wakes the poll, and the same request sent again wakes nobody", async (_server, headers) => {
  const { post, wakes } = hookOf();
  expect([await post(headers), wakes()]).toEqual([202, 1]);
  expect([await post(headers), wakes()]).toEqual([202, 1]);
});

test("a secret as Standard Webhooks write it is the bytes that it stands for", async () => {
  const key = Buffer.alloc(24, 7);
  const { post, wakes } = hookOf(`whsec_${key.toString("base64")}`);
  expect([await post(dated(key, NOW)), wakes()]).toEqual([202, 1]);
});

test.each<[string, Record<string, string>]>([
  ["nothing", {}],
  ["another secret", { "x-hub-signature-256": `sha256=${hmac(BODY, "another").digest("hex")}` }],
  ["another body", { "x-hub-signature-256": `sha256=${hmac(`${BODY} `).digest("hex")}` }],
  ["SHA-1", { "x-hub-signature": `sha1=${createHmac("sha1", SECRET).update(BODY).digest("hex")}` }],
  ["a bare hash", { "x-gitea-signature": "00" }],
  ["another token", { "x-gitlab-token": "another" }],
  ["a wrong signature before a right token", { "x-gitea-signature": "00", "x-gitlab-token": SECRET }],
  ["an old date", dated(SECRET, NOW - 301_000)],
  ["a date to come", dated(SECRET, NOW + 301_000)],
  ["another date than was signed", { ...dated(SECRET, NOW), "webhook-timestamp": String(NOW / 1000 + 1) }],
  ["no date", { ...dated(SECRET, NOW), "webhook-timestamp": "" }],
])("signed with %s it wakes nobody", async (_what, headers) => {
  const { post, wakes } = hookOf();
  expect([await post(headers), wakes()]).toEqual([401, 0]);
});

test("without a secret there is no such path", async () => {
  const app = hookOf("");
  expect(await app.post({ "x-gitlab-token": "x" })).toBe(401);
  const none = new GitHook({ secret: undefined, now: () => NOW, wake: () => {} });
  const hono = new Hono().post("/hooks/git", (context) => none.take(context));
  expect((await hono.request("/hooks/git", { method: "POST", body: BODY })).status).toBe(404);
});
