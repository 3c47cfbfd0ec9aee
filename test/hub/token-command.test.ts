import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { sqliteStore } from "../../hub/registry/sqlite.ts";
import { silent } from "../../shared/ports.ts";
import { fileInFolder } from "../support/data-folder.ts";

const MAIN = join(import.meta.dirname, "../../hub/main.ts");

function hubOf() {
  const config = fileInFolder("hub.yaml");
  const lines = ["fleet: shops", "dataDir: data", `root: { digest: ${"a".repeat(64)} }`, "assignKey: assign"];
  lines.push('repository: { git: "https://git.example.com/fleet.git" }', "mqtt: { port: 0 }", "http: { port: 0 }");
  writeFileSync(config, lines.join("\n"));
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "token", ...args, "--config", config]);
    return { status, out: stdout.toString(), err: stderr.toString() };
  };
  const store = () => sqliteStore({ file: join(dirname(config), "data/hub.db"), journal: silent });
  return { run, store };
}

test("a token is shown once, kept as a hash, listed without it, and taken away; the events say who came and went", async () => {
  const { run, store } = hubOf();
  const made = run("create", "--name", "ada", "--role", "operator,approver", "--email", "Ada@example.com");
  expect(made.status).toBe(0);
  const token = made.out.trim();
  expect(token).toMatch(/^skerry_[\w-]{43}$/);
  const open = store();
  const hash = createHash("sha256").update(token).digest("hex");
  const expected = { name: "ada", roles: ["operator", "approver"], emails: ["ada@example.com"] };
  expect(await open.person(hash)).toMatchObject(expected);
  const listed = run("ls").out;
  expect(listed).toMatch(/^ada {2}operator,approver {2}\S+Z {2}ada@example.com\n$/);
  expect(listed).not.toContain(token);
  expect(run("create", "--name", "ada", "--role", "viewer")).toMatchObject({
    status: 1,
    err: expect.stringContaining("ada has a token already"),
  });
  expect(run("revoke", "ada").status).toBe(0);
  expect(await open.person(hash)).toBeNull();
  expect(run("revoke", "ada")).toMatchObject({ status: 1, err: expect.stringContaining("nobody named ada") });
  const events = (await open.events({ limit: 9 })).map(({ event: { words } }) => words);
  expect(events).toEqual(["token of ada revoked", "token created for ada, operator and approver"]);
  await open.close();
});

test.each([
  [["create", "--name", "Ada Lovelace", "--role", "viewer"], "is no name"],
  [["create", "--name", "ada", "--role", "king"], "use viewer, operator, approver, admin"],
  [["create", "--name", "ada"], "--role"],
])("%j is wrong use", (args, words) => {
  expect(hubOf().run(...args)).toMatchObject({ status: 2, err: expect.stringContaining(words) });
});
