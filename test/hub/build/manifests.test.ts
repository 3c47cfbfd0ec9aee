import { describe, expect, it } from "vitest";
import { readManifests, warningInWords } from "../../../hub/build/manifests.ts";
import { AppError, inWords } from "../../../shared/errors.ts";

const read = (text: string) => readManifests([{ path: "m.yaml", text }]);
const named = (name: string) => `{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name} } }`;

function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof AppError) return inWords(error);
    throw error;
  }
  return "";
}

it("values are those that kubectl reads, and each that YAML 1.2 reads otherwise is named", () => {
  const { files, warnings } = read(
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  mode: 0644\n  on: x\n  port: '080'\n",
  );
  expect(files.map(({ object }) => object["data"])).toEqual([{ mode: 420, true: "x", port: "080" }]);
  expect(warnings.map(warningInWords)).toEqual([
    "m.yaml:6: `0644` is read as kubectl does, the number 420; YAML 1.2 has the number 644; put it between quotes if it is text",
    'm.yaml:7: `on` is read as kubectl does, the key "true"; YAML 1.2 has the key "on"; put it between quotes if it is text',
  ]);
});

describe("lists", () => {
  it("are their items, each a file with its own line", () => {
    const { files } = read(
      `apiVersion: v1\nkind: List\nitems:\n  - ${named("a")}\n  - ${named("b")}\n---\n${named("c")}\n`,
    );
    expect(files.map(({ path, where }) => [path, where("/metadata/name")])).toEqual([
      ["00-configmap-a.json", "m.yaml:4"],
      ["01-configmap-b.json", "m.yaml:5"],
      ["02-configmap-c.json", "m.yaml:7"],
    ]);
  });

  it("of a kind name that of their items", () => {
    const { files } = read("apiVersion: v1\nkind: ConfigMapList\nitems:\n  - metadata: { name: a }\n");
    expect(files.map(({ object }) => object)).toEqual([
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } },
    ]);
  });

  it("are whatever has items, empty ones nothing", () => {
    expect(read(`apiVersion: v1\nkind: Odd\nmetadata: { name: x }\nitems: [${named("a")}]\n`).files).toHaveLength(1);
    expect(read("apiVersion: v1\nkind: List\nitems: []\n---\nkind: List\nitems:\n").files).toEqual([]);
  });
});

it("empty documents are left out", () => {
  expect(read(`---\n# nothing\n---\n${named("a")}\n---\nnull\n---\n`).files).toHaveLength(1);
});

describe("refused with file and line", () => {
  it.each([
    ["a list for an object", `${named("a")}\n---\n- 1\n`, "malformed: not an object but a list (m.yaml:3)"],
    ["text for an object", `${named("a")}\n---\ntext\n`, "malformed: not an object but a string (m.yaml:3)"],
    ["an item that is no object", "kind: List\nitems:\n  - x\n", "malformed: not an object but a string (m.yaml:3)"],
    ["items that are no list", "kind: List\nitems: x\n", "malformed: `items` of a list is no list (m.yaml:2)"],
    ["a list in a list", "kind: List\nitems:\n  - items: []\n", "unsupported: a list in a list is not read (m.yaml:3)"],
    ["an item without a kind", "kind: List\nitems:\n  - a: 1\n", "malformed: not a Kubernetes object"],
    ["a key twice", "a: 1\nb: 1\na: 2\n", 'malformed: "a" stands here twice, first on line 1 (m.yaml:3)'],
  ])("%s", (_what, text, words) => {
    expect(refusal(text)).toContain(words);
  });
});
