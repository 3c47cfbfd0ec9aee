import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";
import { eventList, fleetView, rolloutList, runView } from "../../../hub/api/contract.ts";
import { problem } from "../../../hub/api/contract-verb.ts";
import { type Api, type ApiOptions, apiServer } from "../../../hub/api/server.ts";
import { systemClock } from "../../../shared/node/clock.ts";
import { parseAs } from "../../../shared/parse.ts";
import type { Role } from "../../../shared/verbs.ts";
import { some } from "../rollout/samples.ts";
import { quiet, rollingHub, ScriptedHub } from "./hub.ts";
import { inWords, NOW, seen, siteOf, snapshotOf } from "./sample.ts";

const assets = mkdtempSync(join(tmpdir(), "skerry-api-"));
writeFileSync(join(assets, "app.js"), "export {};\n");
writeFileSync(join(assets, "app.css"), "body { color: black }\n");
const running: Api[] = [];

afterEach(async () => {
  for (const api of running.splice(0)) await api.stop();
});
afterAll(() => rmSync(assets, { recursive: true, force: true }));

async function serve(hub: ScriptedHub, more: Partial<ApiOptions> = {}): Promise<Api> {
  const api = await apiServer({
    host: "127.0.0.1",
    port: 0,
    assets,
    clock: systemClock,
    log: quiet,
    inWords,
    read: () => hub.read(),
    subscribe: (onChange) => hub.subscribe(onChange),
    events: (query) => hub.events(query),
    diff: (run, hash) => hub.diff(run, hash),
    wayBack: (run) => hub.wayBack(run),
    person: (hash) => hub.person(hash),
    wake: () => hub.wake(),
    act: (act) => hub.act(act),
    startAgain: (start) => hub.startAgain(start),
    ...more,
  });
  running.push(api);
  return api;
}

const TOKEN = "a-long-random-word";
const ANN = "ann (by the hub's token)";
const verbUrl = "/api/v1/rollouts/pos/runs/pos-2/pause";

function post(api: Api, path: string, body: string, authorization?: string) {
  const headers = { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) };
  return fetch(`${api.url}${path}`, { method: "POST", headers, body });
}

/** Status, code and the whole body of an answer that must be a problem. */
async function problemOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = parseAs(problem, await response.json(), "answer");
  expect(body.status).toBe(response.status);
  return body;
}

const asked = JSON.stringify({ who: "ann", reason: "the queue is long" });

it("gives the page under a strict policy, and again only where it changed", async () => {
  const api = await serve(new ScriptedHub());
  const response = await fetch(api.url);
  expect(await response.text()).toContain('<script type="module" src="/app.js">');
  expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'self';/);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  const script = await fetch(`${api.url}/app.js`);
  expect(script.headers.get("content-type")).toMatch(/^text\/javascript/);
  const again = await fetch(`${api.url}/app.js`, { headers: { "if-none-match": script.headers.get("etag") ?? "" } });
  expect(again.status).toBe(304);
});

it("answers what the contract says", async () => {
  const hub = rollingHub();
  hub.show({ members: [siteOf("s-1")], rollouts: [] });
  const api = await serve(hub);
  const get = async (path: string) => (await fetch(`${api.url}${path}`)).json();
  expect(parseAs(fleetView, await get("/api/v1/fleet"), "fleet").sites[0]?.id).toBe("s-1");
  expect(parseAs(rolloutList, await get("/api/v1/rollouts"), "rollouts").runs[0]?.id).toBe("pos-2");
  expect(await (await fetch(`${api.url}/livez`)).text()).toBe("ok\n");
  expect(await (await fetch(`${api.url}/readyz`)).text()).toBe("ok\n");
});

it("pages through events, of one site where asked", async () => {
  const hub = new ScriptedHub();
  for (let row = 1; row <= 5; row += 1) {
    const event = { number: row, at: "2026-11-02T07:00:00Z", kind: "started" } as const;
    hub.stored.push({ row, site: row % 2 === 0 ? "s-2" : "s-1", at: NOW, event });
  }
  const api = await serve(hub);
  const rows = async (query: string) => {
    const list = parseAs(eventList, await (await fetch(`${api.url}/api/v1/events?${query}`)).json(), "events");
    return [list.events.map(({ row }) => row), list.next];
  };
  expect(await rows("limit=2")).toEqual([[5, 4], 4]);
  expect(await rows("limit=2&before=4")).toEqual([[3, 2], 2]);
  expect(await rows("site=s-2")).toEqual([[4, 2], null]);
});

it.each(["limit=0", "limit=1001", "limit=x", "before=-1", "before=1.5", "site=Not+A+Site", "nosuch=1"])(
  "refuses the query %s",
  async (query) => {
    const api = await serve(new ScriptedHub());
    const { code, fix } = await problemOf(await fetch(`${api.url}/api/v1/events?${query}`));
    expect([code, fix]).toEqual(["bad-request", "use site=, before= and limit= (at most 1000)"]);
  },
);

it("an unknown path, and a known one by another method, are problems of the code not-found", async () => {
  const api = await serve(new ScriptedHub());
  expect((await problemOf(await fetch(`${api.url}/api/v1/nothing`))).code).toBe("not-found");
  expect((await problemOf(await fetch(`${api.url}/api/v1/fleet`, { method: "DELETE" }))).code).toBe("not-found");
  expect((await problemOf(await fetch(`${api.url}/../package.json`))).code).toBe("not-found");
});

function statusFor(api: Api, path: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(`${api.url}${path}`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("error", reject).end();
  });
}

it("answers only to its own names, so that no other page can be pointed at it; probes come by address", async () => {
  const api = await serve(new ScriptedHub(), { names: ["hub.shops.example"] });
  for (const host of ["localhost", "localhost:9999", "127.0.0.1", "[::1]:80", "HUB.shops.example:443"]) {
    expect([host, await statusFor(api, "/api/v1/fleet", host)]).toEqual([host, 200]);
  }
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:80"]) {
    expect([host, await statusFor(api, "/api/v1/fleet", host)]).toEqual([host, 421]);
    expect([host, await statusFor(api, "/", host)]).toEqual([host, 421]);
  }
  expect(await statusFor(api, "/livez", "10.42.0.7:8080")).toBe(200);
});

it("without a token in its configuration it knows only people, and says how one becomes known", async () => {
  const hub = rollingHub();
  const { code, status, fix } = await problemOf(await post(await serve(hub), verbUrl, asked, "Bearer anything"));
  expect([code, status]).toEqual(["unauthorized", 401]);
  expect(fix).toContain("skerry-hub token create");
  expect(hub.acts).toEqual([]);
});

it.each([undefined, "Bearer wrong", `Basic ${TOKEN}`, TOKEN, "Bearer", `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`])(
  "with the authorization %s it takes no verb",
  async (authorization) => {
    const hub = rollingHub();
    const response = await post(await serve(hub, { token: TOKEN }), verbUrl, asked, authorization);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect((await problemOf(response)).status).toBe(401);
    expect(hub.acts).toEqual([]);
  },
);

it("carries out a verb and answers with the run as it is afterwards", async () => {
  const hub = rollingHub();
  const response = await post(await serve(hub, { token: TOKEN }), verbUrl, asked, `Bearer ${TOKEN}`);
  const run = parseAs(runView, await response.json(), "run");
  expect([response.status, run.phase, run.words]).toEqual([
    200,
    "paused",
    "paused: by ann (by the hub's token): the queue is long",
  ]);
  expect(hub.acts).toEqual([{ run: "pos-2", verb: "pause", who: ANN, reason: "the queue is long" }]);
});

const OWN = "her-own-long-random-word";

function known(hub: ScriptedHub, ...roles: Role[]): ScriptedHub {
  const hash = createHash("sha256").update(OWN).digest("hex");
  hub.people.set(hash, { name: "bea", hash, roles, emails: [], createdAt: 0 });
  return hub;
}

it("a person's own token is her name, whatever the request leaves out, and her roles say what she may do", async () => {
  const hub = known(rollingHub(), "operator", "approver");
  const api = await serve(hub);
  const authorization = `Bearer ${OWN}`;
  const me = await fetch(`${api.url}/api/v1/me`, { headers: { authorization } });
  expect(await me.json()).toEqual({ name: "bea", roles: ["operator", "approver"] });
  await post(api, verbUrl, JSON.stringify({ who: "Bea", reason: "the queue is long" }), authorization);
  await post(api, verbUrl, JSON.stringify({ reason: "again" }), authorization);
  expect(hub.acts.map(({ who }) => who)).toEqual(["bea", "bea"]);
});

it.each<[Role[], string, string | undefined, string]>([
  [["operator"], "approve", undefined, "bea is operator here, and may not approve"],
  [["approver"], "abort", undefined, "bea is approver here, and may not abort"],
  [["viewer"], "pause", undefined, "bea is viewer here, and may not pause"],
  [["admin"], "pause", "ann", "this token is of bea, and does not speak for ann"],
])("as %j a person may not %s as %s: %s", async (roles, verb, who, words) => {
  const hub = known(rollingHub(), ...roles);
  const body = JSON.stringify({ ...(who !== undefined && { who }), reason: "x" });
  const answer = await problemOf(await post(await serve(hub), verbUrl.replace("pause", verb), body, `Bearer ${OWN}`));
  expect([answer.code, answer.detail]).toEqual(["forbidden", words]);
  expect(hub.acts).toEqual([]);
});

it("whoever holds the hub's own token says a name, which is kept as a claim, and cannot approve", async () => {
  const hub = rollingHub();
  const api = await serve(hub, { token: TOKEN });
  const authorization = `Bearer ${TOKEN}`;
  expect(await (await fetch(`${api.url}/api/v1/me`, { headers: { authorization } })).json()).toEqual({
    name: null,
    roles: ["admin"],
  });
  const nameless = JSON.stringify({ reason: "x" });
  expect((await problemOf(await post(api, verbUrl, nameless, authorization))).code).toBe("bad-request");
  const approve = verbUrl.replace("pause", "approve");
  const answer = await problemOf(await post(api, approve, asked, authorization));
  expect([answer.code, hub.acts]).toEqual(["forbidden", []]);
  expect(answer.fix).toContain("skerry-hub token create");
});

it("start is for the last run of a rollout, once, and answers with the new one", async () => {
  const hub = rollingHub();
  const api = await serve(hub, { token: TOKEN });
  const start = verbUrl.replace("pause", "start");
  const authorization = `Bearer ${TOKEN}`;
  expect((await problemOf(await post(api, start, asked, authorization))).code).toBe("conflict");
  const [one] = hub.read().runs;
  if (one === undefined) throw new Error("no run");
  hub.show({ runs: [{ ...one, run: { ...one.run, phase: { kind: "completed", at: NOW } } }] });
  const run = parseAs(runView, await (await post(api, start, asked, authorization)).json(), "run");
  expect([run.id, run.phase]).toEqual(["pos-20", "planned"]);
  expect(hub.starts).toEqual([{ rollout: "pos", last: "pos-2", who: ANN, reason: "the queue is long" }]);
  const again = await problemOf(await post(api, start, JSON.stringify({ who: "bob", reason: "x" }), authorization));
  expect(again.detail).toContain("rollout pos moved on: its last run is pos-20");
});

it("a verb that the phase does not allow is a conflict that shows the run as it is now", async () => {
  const hub = rollingHub();
  const api = await serve(hub, { token: TOKEN });
  const resume = verbUrl.replace("pause", "resume");
  const body = await problemOf(await post(api, resume, asked, `Bearer ${TOKEN}`));
  expect(body).toMatchObject({
    status: 409,
    code: "conflict",
    run: { phase: "rolling" },
    fix: "now possible: pause, promote, skip, revert, abort",
  });
  expect(body.detail).toContain("pos-2 is rolling since 2026-11-02T07:58:30Z");
  expect(hub.acts).toEqual([]);
});

it("skips one site, which must be named, and passes on the wave that the person saw", async () => {
  const hub = rollingHub();
  const api = await serve(hub, { token: TOKEN });
  const skip = verbUrl.replace("pause", "skip");
  expect((await problemOf(await post(api, skip, asked, `Bearer ${TOKEN}`))).code).toBe("bad-request");
  const named = JSON.stringify({ who: "ann", reason: "its disk is new", site: "s-1", wave: "lab" });
  await post(api, skip, named, `Bearer ${TOKEN}`);
  expect(hub.acts).toEqual([
    { run: "pos-2", verb: "skip", who: ANN, reason: "its disk is new", site: "s-1", wave: "lab" },
  ]);
});

it("a run that goes on between question and act is a conflict too", async () => {
  const hub = rollingHub();
  hub.beforeAct = () => {
    const [one] = hub.read().runs;
    if (one === undefined) return;
    const run = { ...one.run, phase: { kind: "completed", at: NOW } as const };
    hub.show({ runs: [seen(run, { kind: "completed", healthy: 1, of: 1, behind: some("pending") })] });
  };
  const body = await problemOf(await post(await serve(hub, { token: TOKEN }), verbUrl, asked, `Bearer ${TOKEN}`));
  expect(body).toMatchObject({
    code: "conflict",
    run: { phase: "completed" },
    fix: "now possible: revert, start",
  });
});

it.each([
  ["/api/v1/rollouts/pos/runs/pos-9/pause", asked, "not-found"],
  ["/api/v1/rollouts/kiosk/runs/pos-2/pause", asked, "not-found"],
  ["/api/v1/rollouts/pos/runs/pos-2/explode", asked, "not-found"],
  ["/api/v1/rollouts/pos/runs/pos-2/constructor", asked, "not-found"],
  [verbUrl, "{", "bad-request"],
  [verbUrl, "", "bad-request"],
  [verbUrl, "[]", "bad-request"],
  [verbUrl, '{"who": "ann"}', "bad-request"],
  [verbUrl, '{"who": "ann", "reason": "  "}', "bad-request"],
  [verbUrl, '{"who": "ann", "reason": "x", "force": true}', "bad-request"],
  [verbUrl, JSON.stringify({ who: "ann", reason: "x".repeat(20_000) }), "too-large"],
])("POST %s with %.40s is refused", async (path, body, code) => {
  const hub = rollingHub();
  const answer = await problemOf(await post(await serve(hub, { token: TOKEN }), path, body, `Bearer ${TOKEN}`));
  expect(answer.code).toBe(code);
  expect(hub.acts).toEqual([]);
});

it("stops reading a body without an end at its cap", async () => {
  const api = await serve(rollingHub(), { token: TOKEN });
  const endless = new ReadableStream<Uint8Array>({ pull: (sink) => sink.enqueue(new Uint8Array(4096).fill(0x20)) });
  const init = { method: "POST", body: endless, duplex: "half", headers: { authorization: `Bearer ${TOKEN}` } };
  const outcome = await fetch(`${api.url}${verbUrl}`, init as RequestInit).then(
    ({ status }) => status,
    () => "cut off",
  );
  expect([413, "cut off"]).toContain(outcome);
  expect((await fetch(`${api.url}/livez`)).status).toBe(200);
});

it("a fault of the hub is a problem without its insides", async () => {
  const hub = new ScriptedHub();
  const said: string[] = [];
  const api = await serve(hub, {
    events: () => Promise.reject(new Error("at /var/lib/secret.ts:1")),
    log: { ...quiet, error: (_fields, words) => said.push(words) },
  });
  const body = await problemOf(await fetch(`${api.url}/api/v1/events`));
  expect([body.status, body.code, body.detail]).toEqual([500, "internal", "the hub met an error of its own"]);
  expect(said).toEqual(["internal: at /var/lib/secret.ts:1"]);
});

it("streams the fleet and each change of it over one connection", async () => {
  const hub = new ScriptedHub(snapshotOf());
  const api = await serve(hub);
  const leaving = new AbortController();
  const response = await fetch(`${api.url}/api/v1/stream`, { signal: leaving.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const until = async (words: string) => {
    let text = "";
    while (!text.includes(words)) text += (await reader?.read())?.value ?? "";
    return text;
  };
  expect(await until("\n\n")).toMatch(/^retry: 1000\nid: 0\nevent: fleet\ndata: \{"fleet":"shops"/);
  hub.show({ members: [siteOf("s-1")] });
  expect(await until("\n\n")).toMatch(/^id: 1\nevent: fleet\ndata: .*"id":"s-1"/);
  leaving.abort();
});

it("has room for 200 streams, and those who leave make room", async () => {
  const api = await serve(new ScriptedHub());
  const leaving = new AbortController();
  const open = (init: RequestInit = {}) => fetch(`${api.url}/api/v1/stream`, init);
  for (let count = 0; count < 200; count += 1) expect((await open({ signal: leaving.signal })).status).toBe(200);
  expect((await problemOf(await open())).code).toBe("busy");
  leaving.abort();
  await expect.poll(async () => (await open()).status).toBe(200);
});

it("stop ends open streams, and the port is free again", async () => {
  const hub = new ScriptedHub();
  const api = await serve(hub);
  const port = Number(new URL(api.url).port);
  const response = await fetch(`${api.url}/api/v1/stream`);
  await api.stop();
  await response.text().catch(() => "cut off");
  expect(hub.watchers).toBe(0);
  const again = await serve(hub, { port });
  expect((await fetch(`${again.url}/livez`)).status).toBe(200);
});

it("says who stands in its way: a port taken, a page not built", async () => {
  const hub = new ScriptedHub();
  const port = Number(new URL((await serve(hub)).url).port);
  await expect(serve(hub, { port })).rejects.toMatchObject({ code: "busy", where: `127.0.0.1:${port}` });
  await expect(serve(hub, { assets: join(assets, "none") })).rejects.toMatchObject({
    code: "config",
    fix: "run `npm run build`",
  });
});
