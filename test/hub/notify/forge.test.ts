import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ForgeOptions, forge } from "../../../hub/notify/forge.ts";
import type { CommitStatus } from "../../../hub/notify/status.ts";

const COMMIT = "c".repeat(40);
const status: CommitStatus = { rollout: "pos", commit: COMMIT, state: "failure", words: `paused: ${"x".repeat(300)}` };

let server: Server;
let answer: { status: number; body: string };
let asked: { path: string; headers: IncomingMessage["headers"]; body: Record<string, string> }[];
let api: string;

beforeEach(async () => {
  asked = [];
  answer = { status: 201, body: "{}" };
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const body = JSON.parse(text) as Record<string, string>;
      asked.push({ path: `${request.method} ${request.url}`, headers: request.headers, body });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function send(kind: ForgeOptions["kind"], more: Partial<CommitStatus> = {}) {
  const { send: out, close } = forge({
    kind,
    api,
    project: "shops/fleet",
    token: "t0ken",
    page: "https://hub",
    proxy: {},
  });
  try {
    await out({ ...status, ...more });
  } finally {
    close();
  }
  const [first] = asked;
  if (first === undefined) throw new Error("nothing was asked");
  return first;
}

test("as GitHub takes it", async () => {
  const { path, headers, body } = await send("github");
  expect(path).toBe(`POST /repos/shops/fleet/statuses/${COMMIT}`);
  expect(headers).toMatchObject({ authorization: "Bearer t0ken", "user-agent": "skerry-hub" });
  expect(body).toMatchObject({ state: "failure", context: "skerry/pos", target_url: "https://hub" });
  expect(body["description"]).toHaveLength(140);
});

test("as GitLab takes it, which knows other words and refuses to be told twice", async () => {
  answer = { status: 400, body: '{"message":"Cannot transition status via :run from :running"}' };
  const { path, headers, body } = await send("gitlab", { state: "pending" });
  expect(path).toBe(`POST /api/v4/projects/shops%2Ffleet/statuses/${COMMIT}`);
  expect(headers.authorization).toBe("Bearer t0ken");
  expect(body).toMatchObject({ state: "running", name: "skerry/pos" });
  answer = { status: 400, body: '{"message":"sha is invalid"}' };
  await expect(send("gitlab")).rejects.toThrow("the server answers 400: ");
});

test("as Gitea takes it", async () => {
  const { path, headers, body } = await send("gitea", { state: "error" });
  expect(path).toBe(`POST /api/v1/repos/shops/fleet/statuses/${COMMIT}`);
  expect(headers.authorization).toBe("token t0ken");
  expect(body).toMatchObject({ state: "error", context: "skerry/pos" });
});

test.each([401, 404, 422, 500])("a server that answers %i refused it, and no token is in the words", async (code) => {
  answer = { status: code, body: '{"message":"no"}' };
  const error = await send("github").catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "unreachable" });
  expect(JSON.stringify(error) + String(error)).not.toContain("t0ken");
});
