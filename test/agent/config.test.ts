import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readConfig } from "../../agent/config.ts";
import { AppError, inWords } from "../../shared/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "skerry-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LEAST = `fleet: shops
site: s-0017
dataDir: data
root: { digest: "${"a".repeat(64)}" }
sources: [{ git: "https://git.example.com/fleet.git" }]
`;

function read(text: string): ReturnType<typeof readConfig> {
  const file = join(folder, "agent.yaml");
  writeFileSync(file, text);
  return readConfig(file);
}

function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof AppError) return inWords(error);
    throw error;
  }
  throw new Error("it was accepted");
}

describe("the agent's configuration", () => {
  it("needs five things and has defaults for the others", () => {
    expect(read(LEAST)).toEqual({
      fleet: "shops",
      site: "s-0017",
      dataDir: join(folder, "data"),
      root: { digest: "a".repeat(64) },
      sources: [{ git: "https://git.example.com/fleet.git" }],
      poll: "5m",
      kube: {},
      page: { listen: "127.0.0.1:9464" },
      reconnect: { within: "10s", atMost: "15m" },
      keepalive: "60s",
      clock: { syncedFile: "/run/systemd/timesync/synchronized" },
      wire: "deflate",
      log: "info",
    });
  });

  it("takes paths from the folder of the file", () => {
    const { kube } = read(`${LEAST}kube: { server: "https://10.0.0.1:6443", tokenFile: token, caFile: /etc/ca.crt }\n`);
    expect(kube).toEqual({ server: "https://10.0.0.1:6443", tokenFile: join(folder, "token"), caFile: "/etc/ca.crt" });
    expect(read(`${LEAST}kube: { kubeconfig: k3s.yaml }\n`).kube).toEqual({ kubeconfig: join(folder, "k3s.yaml") });
  });

  it("takes sources of three kinds, with what each needs", () => {
    const { sources } = read(
      LEAST.replace(
        /sources:.*/,
        [
          "sources:",
          '  - { git: "https://git.example.com/fleet.git", user: site, passwordFile: password, caFile: ca.pem }',
          '  - { mirror: "https://mirror.example.com/fleet", tokenFile: token }',
          "  - { directory: stick }",
        ].join("\n"),
      ),
    );
    const at = (name: string) => join(folder, name);
    expect(sources).toEqual([
      { git: "https://git.example.com/fleet.git", user: "site", passwordFile: at("password"), caFile: at("ca.pem") },
      { mirror: "https://mirror.example.com/fleet", tokenFile: at("token") },
      { directory: at("stick") },
    ]);
  });

  it.each([
    ["no kind", "{ user: a, passwordFile: b }", "must name one of git, mirror, directory"],
    ["two kinds", '{ git: "https://a.example.com/f", directory: b }', "must name one of git, mirror, directory"],
    ["a directory with a token", "{ directory: a, tokenFile: b }", "a directory takes no credentials"],
    ["a user without a password", '{ git: "https://a.example.com/f", user: a }', "user and passwordFile go together"],
    [
      "a user and a token",
      '{ git: "https://a.example.com/f", user: a, passwordFile: b, tokenFile: c }',
      "a user with a password or a token, not both",
    ],
    ["another protocol", '{ git: "ssh://git@example.com/fleet" }', "must match"],
  ])("refuses a source of %s, with its line", (_title, source, words) => {
    const refused = refusal(LEAST.replace(/sources:.*/, `sources: [${source}]`));
    expect(refused).toMatch(/agent\.yaml:5 \/sources\/0/);
    expect(refused).toContain(words);
  });

  it("does not adopt where it has a hub", () => {
    expect(read(`${LEAST}adopt: always\n`).adopt).toBe("always");
    expect(refusal(`${LEAST}adopt: always\nhub: { url: "mqtt://127.0.0.1:1883" }\n`)).toContain("sites without a hub");
  });

  it.each([
    [
      "an unknown key, with the nearest known one",
      `${LEAST}keepalife: 60s\n`,
      /unknown key "keepalife" \(.*agent\.yaml:6 .*did you mean keepalive\?/,
    ],
    [
      "one below another",
      `${LEAST}reconnect: { wihtin: 1s }\n`,
      /unknown key "wihtin" \(.*agent\.yaml:6 \/reconnect\/wihtin.*did you mean within\?/,
    ],
    ["a missing key", LEAST.replace(/^site.*\n/m, ""), /^schema: missing.*\/site/],
    ["`all` as a site", LEAST.replace("s-0017", "all"), /^schema: .*agent\.yaml:2 \/site/],
    ["no YAML", "fleet: [\n", /^malformed: .*agent\.yaml/],
  ])("refuses %s", (_title, text, words) => {
    expect(refusal(text)).toMatch(words);
  });

  it("says that a file cannot be read, and what to do", () => {
    expect(() => readConfig(join(folder, "nowhere.yaml"))).toThrow("the configuration cannot be read");
  });
});
