import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAssignKey, readConfig, readToken } from "../../hub/config.ts";
import { formatEd25519, generateEd25519 } from "../../shared/node/ssh-private-key.ts";

let dir: string;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "skerry-hub-config-"));
  file = join(dir, "hub.yaml");
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const LINES = [
  "fleet: shops",
  "dataDir: data",
  `root: { digest: ${"a".repeat(64)} }`,
  'repository: { git: "https://git.example.com/fleet.git" }',
  "assignKey: keys/assign",
  "mqtt: { port: 1883 }",
  "http: { port: 8080, tokenFile: token }",
];

test("what is left out has its default, and paths are relative to the file", () => {
  writeFileSync(file, LINES.join("\n"));
  expect(readConfig(file)).toEqual({
    fleet: "shops",
    dataDir: join(dir, "data"),
    root: { digest: "a".repeat(64) },
    repository: { git: "https://git.example.com/fleet.git" },
    poll: "30s",
    assignKey: join(dir, "keys/assign"),
    lease: "15s",
    mqtt: { host: "127.0.0.1", port: 1883 },
    http: { host: "127.0.0.1", port: 8080, tokenFile: join(dir, "token") },
    assignmentsExpire: "30d",
    log: "info",
  });
});

test("the repository may want credentials and have a CA of its own", () => {
  const access = "user: hub, passwordFile: git-password, caFile: ca.pem";
  writeFileSync(file, LINES.join("\n").replace('fleet.git" }', `fleet.git", ${access} }`));
  expect(readConfig(file).repository).toEqual({
    git: "https://git.example.com/fleet.git",
    user: "hub",
    passwordFile: join(dir, "git-password"),
    caFile: join(dir, "ca.pem"),
  });
  writeFileSync(file, LINES.join("\n").replace('fleet.git" }', 'fleet.git", user: hub }'));
  expect(() => readConfig(file)).toThrow("user and passwordFile go together");
});

test.each([
  { line: "pol: 1m", nearest: "poll", where: ":8 /pol" },
  { line: "assignmentExpires: 1d", nearest: "assignmentsExpire", where: ":8 /assignmentExpires" },
])("an unknown key is refused with its line and the nearest known one: $line", ({ line, nearest, where }) => {
  writeFileSync(file, [...LINES, line].join("\n"));
  expect(() => readConfig(file)).toThrow(
    expect.objectContaining({ code: "schema", where: `${file}${where}`, fix: `did you mean ${nearest}?` }),
  );
});

test.each([
  { name: "a poll of nothing", line: "poll: 0s", code: "schema" },
  { name: "a key twice", line: "fleet: ships", code: "malformed" },
])("refused: $name", ({ line, code }) => {
  writeFileSync(file, [...LINES, line].join("\n"));
  expect(() => readConfig(file)).toThrow(expect.objectContaining({ code }));
});

test("files that are not there are named, with what to do", () => {
  for (const read of [readConfig, readAssignKey, readToken]) {
    expect(() => read(join(dir, "none"))).toThrow(
      expect.objectContaining({ code: "config", where: join(dir, "none"), fix: expect.any(String) }),
    );
  }
});

test("the assign key is an ed25519 key in OpenSSH's format", () => {
  const key = generateEd25519();
  writeFileSync(file, formatEd25519(key));
  expect(readAssignKey(file).public.spki).toBe(key.public.spki);
  writeFileSync(file, "not a key");
  expect(() => readAssignKey(file)).toThrow(expect.objectContaining({ code: "malformed" }));
});

test("a token that can be guessed is refused", () => {
  writeFileSync(file, "secret\n");
  expect(() => readToken(file)).toThrow(expect.objectContaining({ code: "config" }));
  writeFileSync(file, `${"x".repeat(16)}\n`);
  expect(readToken(file)).toBe("x".repeat(16));
});
