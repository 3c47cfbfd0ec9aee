import { readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { askPull, askStatus, socketOf } from "../../../agent/local/client.ts";
import { isOurName } from "../../../agent/local/host.ts";
import { serveLocal } from "../../../agent/local/server.ts";
import { AppError } from "../../../shared/errors.ts";
import { systemClock } from "../../../shared/node/clock.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { siteAt } from "./sample.ts";

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** A page at a free port, over a site that notes what is done to it. */
async function served() {
  const dataDir = dirname(fileInFolder("x"));
  const acts: unknown[] = [];
  let full = false;
  let broken = false;
  const at = await new Promise<{ port: number; close: () => void }>((resolve) => {
    const close = serveLocal(
      {
        status: () => {
          if (broken) throw new AppError("storage", "the database is gone");
          return siteAt();
        },
        metrics: () => "skerry_agent_held 0\n",
        hold: (ask) => {
          if (full) throw new AppError("storage", "the disk is full");
          acts.push(ask);
        },
        release: () => acts.push("release"),
        pull: () => acts.push("pull"),
        clock: systemClock,
        log: {
          debug() {},
          warn() {},
          error() {},
          info: (fields) => {
            const { at } = fields as { at: string | { port: number } };
            if (typeof at === "object") resolve({ port: at.port, close: () => close() });
          },
        },
      },
      { listen: "127.0.0.1:0", socket: socketOf(dataDir) },
    );
  });
  onTestFinished(at.close);
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asking = request({ port: at.port, host: "127.0.0.1", method, path, headers, agent: false }, (answer) => {
        let text = "";
        answer.on("data", (chunk) => {
          text += String(chunk);
        });
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
      });
      asking.once("error", reject);
      asking.end(body);
    });
  const token = async () => /name="token" value="([^"]+)"/.exec((await ask("GET", "/")).body)?.[1] ?? "";
  return {
    dataDir,
    acts,
    ask,
    token,
    fill: () => {
      full = true;
    },
    break: () => {
      broken = true;
    },
    close: at.close,
  };
}

describe("the site page over HTTP", () => {
  it("is read by anybody who reaches it, and kept by nobody", async () => {
    const { ask } = await served();
    const page = await ask("GET", "/?x");
    expect([page.status, page.headers["cache-control"], page.headers["content-type"]]).toEqual([
      200,
      "no-store",
      "text/html; charset=utf-8",
    ]);
    expect(page.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'nonce-[^']+'; script-src/);
    expect(JSON.parse((await ask("GET", "/status.json")).body)).toEqual(siteAt());
    expect(await ask("GET", "/livez")).toMatchObject({ status: 200, body: "ok\n" });
    expect(await ask("GET", "/metrics")).toMatchObject({
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      body: "skerry_agent_held 0\n",
    });
  });

  it("holds and releases for whoever presses its own buttons", async () => {
    const { ask, token, acts } = await served();
    const form = `token=${await token()}`;
    const held = await ask("POST", "/hold", { "sec-fetch-site": "same-origin" }, `${form}&reason=a+sale&for=2h`);
    expect([held.status, held.headers["location"]]).toEqual([303, "/"]);
    await ask("POST", "/hold", {}, `${form}&for=never`);
    await ask("POST", "/release", {}, form);
    expect(acts).toEqual([{ reason: "a sale", forMs: 7_200_000 }, { reason: "", forMs: null }, "release"]);
  });

  it.each([
    ["no token", "/hold", {}, "reason=x", 403],
    ["another token", "/hold", {}, `token=${"0".repeat(32)}`, 403],
    ["a page of somebody else", "/release", { "sec-fetch-site": "cross-site" }, "right", 403],
    ["a name of somebody else", "/hold", { host: "evil.example.com" }, "right", 421],
    ["a form without end", "/hold", {}, `reason=${"x".repeat(10_000)}`, 413],
    ["what only commands may", "/pull", {}, "right", 404],
  ])("does nothing for %s", async (_title, path, headers, body, status) => {
    const { ask, token, acts } = await served();
    const answer = await ask(
      "POST",
      path,
      headers as Record<string, string>,
      body === "right" ? `token=${await token()}` : body,
    );
    expect([answer.status, acts]).toEqual([status, []]);
  });

  it("shows itself to no name that somebody else can have", async () => {
    const { ask } = await served();
    expect((await ask("GET", "/", { host: "evil.example.com" })).status).toBe(421);
    expect((await ask("DELETE", "/")).status).toBe(404);
  });

  it("ends no agent where what is asked for cannot be read, or it cannot listen", async () => {
    const { ask, break: breaks } = await served();
    breaks();
    expect(await ask("GET", "/")).toMatchObject({ status: 500, body: "storage: the database is gone\n" });
    expect((await ask("GET", "/livez")).status).toBe(200);
    const warned: string[] = [];
    const world = {
      clock: systemClock,
      log: { debug() {}, info() {}, error() {}, warn: (_: object, words: string) => warned.push(words) },
    };
    const none = { status: () => siteAt(), metrics: () => "", hold() {}, release() {}, pull() {} };
    serveLocal({ ...none, ...world }, { listen: "127.0.0.1:99999", socket: "/dev/null/local/agent.sock" })();
    expect(warned).toEqual(["cannot listen here; trying again", "cannot listen here; trying again"]);
  });

  it("says what the disk said where a hold could not be kept", async () => {
    const { ask, token, fill } = await served();
    const form = `token=${await token()}`;
    fill();
    expect(await ask("POST", "/hold", {}, form)).toMatchObject({ status: 500, body: "storage: the disk is full\n" });
  });
});

describe("the socket of the data folder", () => {
  it("answers commands, and only who may read the folder", async () => {
    const { dataDir, acts } = await served();
    expect(await askStatus(dataDir)).toEqual(siteAt());
    expect(await askPull(dataDir)).toBe(true);
    expect(acts).toEqual(["pull"]);
    expect(statSync(dirname(socketOf(dataDir))).mode & 0o077).toBe(0);
  });

  it("is nobody's where no agent runs, and taken over from one that was killed", async () => {
    expect(await askStatus("/nowhere")).toBeNull();
    const { dataDir, close } = await served();
    close();
    expect(await askStatus(dataDir)).toBeNull();
    writeFileSync(join(dirname(socketOf(dataDir)), "other"), "x");
    expect(readFileSync(join(dirname(socketOf(dataDir)), "other"), "utf8")).toBe("x");
  });
});

it.each([
  ["127.0.0.1:9464", true],
  ["[::1]:9464", true],
  ["10.42.0.7:9464", true],
  ["localhost", true],
  ["till-box", true],
  ["till-box.local:9464", true],
  ["skerry-agent.skerry-system.svc:9464", true],
  ["evil.example.com:9464", false],
  ["127.0.0.1.nip.io", false],
  ["svc.evil.com", false],
  ["", false],
  [undefined, false],
])("the name %s is its own: %s", (host, own) => {
  expect(isOurName(host)).toBe(own);
});
