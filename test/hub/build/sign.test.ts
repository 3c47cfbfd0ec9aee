import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { signFile } from "../../../hub/build/sign.ts";
import { formatPublicKey } from "../../../shared/node/ssh-key.ts";
import { verifySsh } from "../../../shared/node/sshsig.ts";
import { silent } from "../../../shared/ports.ts";
import { Authenticator } from "../../shared/node/authenticator.ts";
import { ACCEPTED_KINDS } from "../../shared/node/ssh-keygen.ts";
import { fleetFixture } from "./fixture.ts";

const NAMESPACE = "skerry-bundle@v1";
const others = { eve: new Authenticator("sk-ssh-ed25519@openssh.com").publicLine };
const hasAgent = spawnSync("which", ["ssh-agent"]).status === 0;

let folder: string;
let document: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "skerry-sign-"));
  document = join(folder, "bundle.json");
  await writeFile(document, '{"fleet":"shops"}\n');
});
afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(!hasAgent)("with a key that only an agent holds (needs ssh-agent)", () => {
  let agent: ChildProcess;
  beforeAll(async () => {
    const socket = join(folder, "agent");
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    for (let tries = 0; !existsSync(socket) && tries < 500; tries += 1) await after(10);
    vi.stubEnv("SSH_AUTH_SOCK", socket);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    agent.kill();
  });

  it.each(ACCEPTED_KINDS)("signs as %s of %d bits, and is named as the root names it", async (type, bits) => {
    const secret = join(folder, `${type}-${bits}`);
    execFileSync("ssh-keygen", ["-q", "-t", type, "-b", String(bits), "-N", "", "-f", secret]);
    execFileSync("ssh-add", ["-q", secret], { stdio: "ignore" });
    await rm(secret);
    const line = await readFile(`${secret}.pub`, "utf8");
    const keys = { ...others, ada: line };
    const request = { file: document, namespace: NAMESPACE, keyFile: `${secret}.pub`, keys };
    const path = await signFile(request, silent);
    expect(path).toBe(`${document}.ada.sig`);
    const signer = verifySsh(await readFile(document), await readFile(path, "utf8"), NAMESPACE);
    expect(line).toContain(formatPublicKey(signer));
  });

  it("is what `skerry root sign --key FILE.pub` signs with", async () => {
    const fleet = await fleetFixture();
    try {
      execFileSync("ssh-add", ["-q", join(fleet.base, "bob")], { stdio: "ignore" });
      await fleet.skerry("root", "rotate", "--from", "../root.yaml");
      await fleet.skerry("root", "sign", "--key", "../ada");
      await rm(join(fleet.base, "bob"));
      const { code, out } = await fleet.skerry("root", "sign", "--key", "../bob.pub");
      expect([code, out]).toEqual([0, [join(fleet.folder, "root/2.json.bob.sig")]]);
      expect((await fleet.skerry("root", "verify")).out).toEqual(["root 2 of fleet demo holds"]);
    } finally {
      await fleet.remove();
    }
  });
});

it("names a key that the root has in a token and outside of it by the form that signed", async () => {
  const token = new Authenticator("sk-ecdsa-sha2-nistp256@openssh.com");
  const keyFile = join(folder, "vault");
  await writeFile(keyFile, token.secret.export({ format: "pem", type: "pkcs8" }));
  const keys = { desk: token.publicLine, vault: formatPublicKey(token.plain) };
  expect(await signFile({ file: document, namespace: NAMESPACE, keyFile, keys }, silent)).toBe(`${document}.vault.sig`);
});

it("asks ssh-keygen where the key is in a token, which is not plugged in", async () => {
  const token = new Authenticator("sk-ssh-ed25519@openssh.com");
  const keyFile = join(folder, "token.pub");
  await writeFile(keyFile, `${token.publicLine} ada\n`);
  const request = { file: document, namespace: NAMESPACE, keyFile, keys: { ada: token.publicLine } };
  await expect(signFile(request, silent)).rejects.toThrow(/^ssh-keygen did not sign: /);
});
