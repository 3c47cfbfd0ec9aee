/**
 * Records test/golden/sops: Secrets as the real `sops` encrypts them, with keys made for it by the real `age-keygen`, and what they were. Run by
 * hand: `node test/k8s/record-sops.ts` (Go; the first time two minutes). Also asks the real `age` whether it opens what ours encrypts.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { ageEncrypt } from "../../shared/node/age.ts";
import { formatAgeIdentity, generateAge, parseAgeIdentity } from "../../shared/node/age-key.ts";
import { readYamlAsKubectl } from "../../shared/node/yaml-document.ts";
import { build } from "./build.ts";

const GOLDEN = join(import.meta.dirname, "../golden/sops");
const TOOLS = join(homedir(), ".cache", "skerry", "sops");
const ONLY_DATA = { encrypted_regex: "^(data|stringData)$" };

const PLAIN = `apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
  labels: { app: till }
  finalizers: [example.com/a, example.com/b]
type: Opaque
immutable: false
data:
  password: aHVudGVyMg==
  empty: ""
stringData:
  # not for everybody
  url: "postgres://till:hunter2@db/till"
  motto: "zażółć gęślą jaźń €"
  config: |
    [db]
    password = hunter2
`;

/** By name: to whom, how, and what; SOPS's own settings in every way that leaves a Secret readable as one. */
const CASES: Readonly<
  Record<string, { to: string[]; rule: Readonly<Record<string, string | boolean>>; text?: string }>
> = {
  "one-group": { to: ["north"], rule: ONLY_DATA },
  "two-groups": { to: ["stores", "north"], rule: ONLY_DATA },
  "mac-only-encrypted": { to: ["north"], rule: { ...ONLY_DATA, mac_only_encrypted: true } },
  "unencrypted-regex": {
    to: ["north"],
    rule: { unencrypted_regex: "^(apiVersion|kind|metadata|type|immutable)$" },
  },
  "suffix-in-the-clear": {
    to: ["north"],
    rule: { unencrypted_regex: "^(apiVersion|kind|metadata|type|immutable|port_clear)$" },
    text: `${PLAIN}  port_clear: "5432"\n`,
  },
  // Refused: its names are sealed.
  everything: { to: ["north"], rule: {} },
  // Refused: those of a Secret are text.
  numbers: { to: ["north"], rule: ONLY_DATA, text: `${PLAIN}  port: 5432\n  ratio: 0.5\n  open: true\n` },
};

for (const name of ["sops", "age", "age-keygen"]) {
  const from = name === "sops" ? "github.com/getsops/sops/v3/cmd/sops" : `filippo.io/age/cmd/${name}`;
  await build({ name, module: "sops", package: from, stamp: "" }, TOOLS);
}
const work = mkdtempSync(join(tmpdir(), "skerry-sops-"));
const run = (tool: string, args: string[]) => execFileSync(join(TOOLS, tool), args, { cwd: work }).toString();
try {
  mkdirSync(GOLDEN, { recursive: true });
  const recipients: Record<string, string> = {};
  for (const name of ["north", "stores"]) {
    const file = join(GOLDEN, `${name}.key`);
    rmSync(file, { force: true });
    run("age-keygen", ["-o", file]);
    chmodSync(file, 0o644);
    recipients[name] = parseAgeIdentity(readFileSync(file, "utf8")).recipient;
  }
  for (const [name, { to, rule, text = PLAIN }] of Object.entries(CASES)) {
    writeFileSync(join(work, "secret.yaml"), text);
    const age = to.map((group) => recipients[group]).join(",");
    writeFileSync(join(work, ".sops.yaml"), JSON.stringify({ creation_rules: [{ age, ...rule }] }));
    writeFileSync(join(GOLDEN, `${name}.sops.yaml`), run("sops", ["encrypt", "secret.yaml"]));
    const [document] = readYamlAsKubectl(text, name).documents;
    writeFileSync(join(GOLDEN, `${name}.json`), `${JSON.stringify(document?.value, null, 2)}\n`);
  }
  const own = generateAge();
  writeFileSync(join(work, "own.key"), formatAgeIdentity(own));
  for (const text of ["", "a key", "x".repeat(10_000)]) {
    writeFileSync(join(work, "ours.age"), ageEncrypt(Buffer.from(text), own.recipient));
    if (run("age", ["-d", "-i", "own.key", "ours.age"]) !== text)
      throw new Error("age does not open what ours encrypts");
  }
} finally {
  rmSync(work, { recursive: true });
}
