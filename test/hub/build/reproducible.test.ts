import { execFile, execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { repositoryName } from "../../../hub/build/repository.ts";
import { BUNDLE_YAML, buildAndSign, type FleetFixture, fleetFixture, TILL_YAML } from "./fixture.ts";

const DIGEST = `sha256:${"b2".repeat(32)}`;
/** As built: it starts in a fifth of the time. */
const MAIN = join(import.meta.dirname, "../../../dist/skerry.js");

let fleet: FleetFixture;
beforeEach(async () => {
  fleet = await fleetFixture();
  // All that a checkout or `git archive` would change on its way, and a lock, a patch and files in an odd order.
  await fleet.write(".gitattributes", "*.yaml text eol=crlf export-subst ident\nroot/* -text\n");
  fleet.git("config", "core.safecrlf", "false");
  fleet.git("config", "gpg.format", "ssh");
  fleet.git("config", "user.signingKey", join(fleet.base, "ada"));
  fleet.git("config", "commit.gpgSign", "true");
  await fleet.write("bundles/pos/manifests/till.yaml", TILL_YAML.replace(/@sha256:[0-9a-f]+/, ""));
  const config = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: shop }\n`;
  await fleet.write("bundles/pos/manifests/B.yaml", `${config("b")}data: { id: "$Id$", commit: "$Format:%H$" }\n`);
  await fleet.write("bundles/pos/manifests/a/ü.yaml", config("a"));
  await fleet.write("bundles/pos/north.yaml", `${config("a")}data: { region: north }\n`);
  await fleet.write(
    "bundles/pos/lock.yaml",
    `kind: BundleLock/v1\nimages:\n  "registry.example.com/till:1.4.2": ${DIGEST}\n`,
  );
  await fleet.write(
    "bundles/pos/bundle.yaml",
    `${BUNDLE_YAML}overlays: [{ sites: { region: north }, patch: north.yaml }]\n`,
  );
  fleet.commit("an awkward one");
  fleet.git("push", "--quiet", "origin", "main");
});
afterEach(() => fleet.remove());

interface Machine {
  TZ: string;
  LANG: string;
  umask: string;
  gitconfig: string;
}

/** Clones anew and builds there, by the program itself. The bytes of `bundle.json`. */
async function buildOn(name: string, { umask, gitconfig, ...environment }: Machine, commit = "main"): Promise<string> {
  const home = join(fleet.base, name);
  await mkdir(home);
  await writeFile(join(home, ".gitconfig"), gitconfig);
  const env = { PATH: process.env["PATH"], HOME: home, GIT_CONFIG_NOSYSTEM: "1", ...environment };
  const clone = join(home, "clone");
  execFileSync("git", ["clone", "--quiet", fleet.origin, clone], { env });
  execFileSync("git", ["checkout", "--quiet", commit], { cwd: clone, env });
  const script = `umask ${umask} && exec "$0" "$@"`;
  await promisify(execFile)("sh", ["-c", script, process.execPath, MAIN, "bundle", "build", "bundles/pos"], {
    cwd: clone,
    env,
  });
  return await readFile(join(clone, ".skerry/pos/1.4.2/bundle.json"), "utf8");
}

const HERE: Machine = { TZ: "UTC", LANG: "C", umask: "022", gitconfig: "" };
const ELSEWHERE: Machine = {
  TZ: "Pacific/Kiritimati",
  LANG: "tr_TR.UTF-8",
  umask: "077",
  gitconfig: `[core]
  autocrlf = true
  quotePath = true
  precomposeUnicode = true
[log]
  showSignature = true
  date = relative
[status]
  short = true
  relativePaths = true
[color]
  ui = always
[diff]
  noprefix = true
`,
};

test("the same bytes in other clones, with another time zone, language, umask, home and settings of Git", async () => {
  const one = await buildOn("one", HERE);
  expect(await buildOn("two", ELSEWHERE)).toBe(one);
  const { images, files } = JSON.parse(one);
  expect(images).toEqual([{ ref: "registry.example.com/till:1.4.2", digest: DIGEST }]);
  expect(files.map(({ path }: { path: string }) => path)).toEqual([
    "00-configmap-b.json",
    "01-configmap-a.json",
    "02-deployment-till.json",
    "03-configmap-till.json",
    "north.yaml/00-configmap-a.json",
  ]);
});

test("the same bytes again after newer versions were published", async () => {
  const one = await buildOn("one", HERE);
  const commit = fleet.git("rev-parse", "HEAD").trim();
  await buildAndSign(fleet, "1.4.2");
  await fleet.skerry("bundle", "publish", "pos@1.4.2");
  for (const version of ["1.5.0", "1.6.0"]) {
    await fleet.write("bundles/pos/bundle.yaml", BUNDLE_YAML.replace("1.4.2", version));
    fleet.commit(version);
    await buildAndSign(fleet, version);
    expect((await fleet.skerry("bundle", "publish", `pos@${version}`)).err).toEqual([]);
  }
  fleet.git("push", "--quiet", "origin", "main");
  expect(await buildOn("two", ELSEWHERE, commit)).toBe(one);
});

test("the same bytes where `git replace` shows other files in place of the committed ones", async () => {
  const built = async () => {
    expect(await fleet.skerry("bundle", "build", "bundles/pos")).toMatchObject({ code: 0 });
    return await readFile(join(fleet.folder, ".skerry/pos/1.4.2/bundle.json"), "utf8");
  };
  const one = await built();
  const tree = fleet.git("rev-parse", "HEAD:bundles/pos/manifests").trim();
  fleet.git("replace", tree, fleet.git("rev-parse", "HEAD:bundles/pos/manifests/a").trim());
  expect(await built()).toBe(one);
});

test.each([
  ["https://git.example.com/shops/fleet.git", "git.example.com/shops/fleet"],
  ["https://ada:secret@Git.Example.com:8443/shops/fleet/", "git.example.com/shops/fleet"],
  ["git@git.example.com:shops/fleet.git", "git.example.com/shops/fleet"],
  ["ssh://git@git.example.com:22/shops/fleet", "git.example.com/shops/fleet"],
  ["/srv/git/fleet.git", "/srv/git/fleet"],
  ["", ""],
])("a repository has one name, however it is reached: %s", (origin, name) => {
  expect(repositoryName(origin)).toBe(name);
});
