import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openSops } from "../../../agent/unseal/sops.ts";
import { AppError, inWords } from "../../../shared/errors.ts";
import { isMap, type Json, type KubeObject } from "../../../shared/live.ts";
import { generateAge, parseAgeIdentity } from "../../../shared/node/age-key.ts";
import { readYamlAsKubectl } from "../../../shared/node/yaml-document.ts";
import { thrownBy, thrownCode } from "../../support/thrown.ts";

/** What the real `sops` wrote (test/k8s/record-sops.ts). */
const FOLDER = new URL("../../golden/sops/", import.meta.url);
const textOf = (name: string) => readFileSync(new URL(name, FOLDER), "utf8");
const groupOf = (name: string) => parseAgeIdentity(textOf(`${name}.key`));
const plain = (name: string): unknown => JSON.parse(textOf(`${name}.json`));
const sealed = (name: string): KubeObject => {
  const [document] = readYamlAsKubectl(textOf(`${name}.sops.yaml`), name).documents;
  return document?.value as KubeObject;
};
const open = (file: KubeObject, groups: string[] = ["north"]) =>
  openSops(file, new Map(groups.map((name) => [name, groupOf(name)])), "files/db.json");

describe("what sops encrypted", () => {
  it.each(["one-group", "two-groups", "mac-only-encrypted", "unencrypted-regex", "suffix-in-the-clear"])(
    "opens as it was: %s",
    (name) => {
      expect(open(sealed(name))).toEqual(plain(name));
    },
  );

  it("opens for each of its groups, and for a site that has both", () => {
    expect(open(sealed("two-groups"), ["stores"])).toEqual(plain("two-groups"));
    expect(open(sealed("two-groups"), ["north", "stores"])).toEqual(plain("two-groups"));
  });

  it.each([
    ["whose names are sealed", "everything", /kind Secret, apiVersion v1, with both in the clear/],
    ["with numbers, which no Secret may have", "numbers", /\/stringData\/port\).*quotes/],
  ])("is refused %s", (_title, name, words) => {
    const error = thrownBy(() => open(sealed(name)));
    expect(error).toMatchObject({ code: "schema" });
    expect(inWords(error)).toMatch(words);
  });

  it("does not open for another group, which is named", () => {
    const error = thrownBy(() => open(sealed("one-group"), ["stores"]));
    expect(inWords(error)).toContain("record: the site record has only stores, and none for which this is encrypted");
    expect(inWords(error)).toContain(groupOf("north").recipient);
    expect(thrownCode(() => open(sealed("one-group"), []))).toBe("record");
  });

  it("does not open with another key under the name of its recipient", () => {
    const liar = new Map([["north", { ...generateAge(), recipient: groupOf("north").recipient }]]);
    expect(thrownCode(() => openSops(sealed("one-group"), liar, "files/db.json"))).toBe("key");
  });
});

/** The file with one change; `at` a path of keys. */
function changed(name: string, at: readonly string[], change: (value: Json) => Json | undefined): KubeObject {
  const copy = structuredClone(sealed(name));
  let holder: Json = copy;
  for (const key of at.slice(0, -1)) holder = isMap(holder) ? (holder[key] ?? null) : null;
  const last = at.at(-1) ?? "";
  if (!isMap(holder)) throw new Error(`nothing at ${at.join("/")}`);
  const value = change(holder[last] ?? null);
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy;
}

const flip = (part: string) => (value: Json) =>
  String(value).replace(
    new RegExp(`(${part}:)(.)`),
    (_all, key: string, char: string) => key + (char === "A" ? "B" : "A"),
  );
const url = (value: KubeObject) => (isMap(value["stringData"]) ? (value["stringData"]["url"] ?? null) : null);

describe("a change is refused by name, and no plaintext stands in the words", () => {
  it.each<[string, KubeObject, string]>([
    ["the ciphertext", changed("one-group", ["data", "password"], flip("data")), "signature"],
    ["the nonce", changed("one-group", ["data", "password"], flip("iv")), "signature"],
    ["the tag", changed("one-group", ["data", "password"], flip("tag")), "signature"],
    [
      "a tag cut short",
      changed("one-group", ["data", "password"], (v) => String(v).replace(/tag:[^,]*/, "tag:AAAA")),
      "malformed",
    ],
    ["a value cut short", changed("one-group", ["data", "password"], (v) => String(v).slice(0, 30)), "schema"],
    [
      "a value put under another key",
      changed("one-group", ["stringData", "motto"], () => url(sealed("one-group"))),
      "signature",
    ],
    ["a value taken out", changed("one-group", ["stringData", "motto"], () => undefined), "signature"],
    ["a value put in", changed("one-group", ["stringData", "more"], () => "clear"), "signature"],
    ["a value in the clear", changed("one-group", ["metadata", "name"], () => "other"), "signature"],
    [
      "a sealed value taken out, the MAC over these alone",
      changed("mac-only-encrypted", ["data", "password"], () => undefined),
      "signature",
    ],
    ["the MAC", changed("one-group", ["sops", "mac"], flip("data")), "signature"],
    [
      "the MAC of another file",
      changed("one-group", ["sops", "mac"], () => (sealed("mac-only-encrypted")["sops"] as { mac: string }).mac),
      "signature",
    ],
    ["no MAC", changed("one-group", ["sops", "mac"], () => ""), "malformed"],
    [
      "the date that the MAC goes with",
      changed("one-group", ["sops", "lastmodified"], () => "2020-01-01T00:00:00Z"),
      "signature",
    ],
    ["which MAC it is", changed("one-group", ["sops", "mac_only_encrypted"], () => true), "signature"],
    ["no metadata", changed("one-group", ["sops"], () => undefined), "schema"],
    ["no age key", changed("one-group", ["sops", "age"], () => []), "schema"],
    ["a key of many people", changed("one-group", ["sops", "shamir_threshold"], () => 2), "schema"],
  ])("%s", (_title, file, code) => {
    const error = thrownBy(() => open(file));
    expect(error).toMatchObject({ code });
    if (!(error instanceof AppError)) throw error;
    expect(inWords(error)).toContain("files/db.json");
    expect(`${inWords(error)} ${error.stack} ${JSON.stringify(error.cause ?? "")}`).not.toMatch(/hunter2|aHVudGVyMg/);
  });

  it("the sealed data key", () => {
    const file = sealed("one-group");
    const [entry] = (file["sops"] as { age: { enc: string }[] }).age;
    if (entry === undefined) throw new Error("no entry");
    const lines = entry.enc.split("\n");
    for (const at of [1, 3, 4]) {
      const broken = [...lines];
      broken[at] = (lines[at] ?? "").replace(/^./, (char) => (char === "A" ? "B" : "A"));
      entry.enc = broken.join("\n");
      expect(["key", "signature", "malformed"]).toContain(thrownCode(() => open(file)));
    }
    entry.enc = lines.slice(0, 4).join("\n");
    expect(thrownCode(() => open(file))).toBe("malformed");
  });
});
