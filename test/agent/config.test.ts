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
