import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { AppError, inWords } from "../../../shared/errors.ts";
import { readYaml } from "../../../shared/node/yaml.ts";
import { readYamlDocuments } from "../../../shared/node/yaml-document.ts";

const shop = z.strictObject({
  name: z.string(),
  tills: z.optional(z.array(z.strictObject({ number: z.int() }))),
});

const read = (text: string) => readYaml(text, "shop.yaml", shop);
const value = (text: string) => readYamlDocuments(text, "m.yaml")[0]?.value;

function refusal(run: () => unknown): { code: string; where: string | undefined; words: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, where: error.where, words: inWords(error) };
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("what fits", () => {
  test("is returned, comments and line ends of either kind aside", () => {
    expect(read("# a shop\r\nname: pier\r\ntills:\r\n  - number: 7\r\n")).toEqual({
      name: "pier",
      tills: [{ number: 7 }],
    });
  });

  test("documents are read in order, empty ones left out", () => {
    const documents = readYamlDocuments("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n", "m.yaml");
    expect(documents.map((each) => [each.value, each.lineOf("")])).toEqual([
      [{ a: 1 }, 2],
      [{ b: 2 }, 7],
    ]);
  });

  test("plain scalars that mean one thing to everybody", () => {
    expect(
      value(
        "[1, -2, 1.5, true, False, null, ~, text, 2026-11-21, 1.2.3, 0, '0644', \"yes\", 8080:80, 1:30, 1e3, 08, 0o17]",
      ),
    ).toEqual([
      1,
      -2,
      1.5,
      true,
      false,
      null,
      null,
      "text",
      "2026-11-21",
      "1.2.3",
      0,
      "0644",
      "yes",
      "8080:80",
      "1:30",
      1000,
      8,
      15,
    ]);
    expect(value("a: |\n  0644\n  yes\n")).toEqual({ a: "0644\nyes\n" });
  });
});

describe("a schema's breach names line and pointer", () => {
  test.each([
    ["an unknown key", "name: pier\n\nnmae: x\n", "shop.yaml:3 /nmae", 'unknown key "nmae"'],
    [
      "a nested value",
      "name: pier\ntills:\n  - number: 1\n  - number: two\n",
      "shop.yaml:4 /tills/1/number",
      "must be",
    ],
    ["a value below its key", "name:\n\n  [1]\n", "shop.yaml:1 /name", "must be a string"],
    ["a missing key: the mapping around it", "\ntills: []\n", "shop.yaml:2 /name", "missing"],
    ["a key with a slash", "name: x\na/b: 1\n", "shop.yaml:2 /a~1b", "unknown key"],
  ])("%s", (_, text, where, words) => {
    const found = refusal(() => read(text));
    expect(found.code).toBe("schema");
    expect(found.where).toBe(where);
    expect(found.words).toContain(words);
  });
});

describe("what two readers would read differently is refused with both readings", () => {
  test.each([
    ["yes", 'the boolean true in YAML 1.1 and the text "yes"'],
    ["off", "the boolean false"],
    ["y", "the boolean true"],
    ["0644", "the number 420 in YAML 1.1 and the number 644"],
    ["010", "the number 8 in YAML 1.1 and the number 10"],
    ["1_000", "the number 1000"],
    ["0b11", "the number 3"],
    ["+0x1F", "the number 31"],
  ])("%s", (scalar, words) => {
    const found = refusal(() => value(`a: b\nmode: ${scalar}\n`));
    expect(found).toMatchObject({ code: "malformed", where: "m.yaml:2" });
    expect(found.words).toContain(words);
    expect(refusal(() => value(`a: b\n${scalar}: 1\n`)).where).toBe("m.yaml:2");
  });
});

describe("refused with file and line", () => {
  test.each([
    ["broken YAML", "a: [1,\nb: 2\n", "malformed", "m.yaml:2"],
    ["a duplicate key", "a: 1\nb: 2\na: 3\n", "malformed", "m.yaml:3"],
    ["a key that is a number", "a: 1\n80: x\n", "malformed", "m.yaml:2"],
    ["a key that is a mapping", "{a: 1}: x\n", "malformed", "m.yaml:1"],
    ["a prototype", "a: 1\n__proto__: {}\n", "malformed", "m.yaml:2"],
    ["an anchor", "a: 1\nb: &x 2\n", "unsupported", "m.yaml:2"],
    ["an alias", "a: 1\nb: *x\n", "unsupported", "m.yaml:2"],
    ["a tag", "a: 1\nb: !!str 2\n", "unsupported", "m.yaml:2"],
    ["a merge key", "a: 1\n<<: {b: 2}\n", "malformed", "m.yaml:2"],
    ["a number beyond JSON", "a: 1\nb: 99999999999999999999\n", "malformed", "m.yaml:2"],
    ["infinity", "a: 1\nb: .inf\n", "malformed", "m.yaml:2"],
    ["65 levels", `\n${"[".repeat(65)}${"]".repeat(65)}`, "malformed", "m.yaml:2"],
    ["over 1 MiB", `a: "${"x".repeat(1024 * 1024)}"`, "too-large", "m.yaml"],
  ])("%s", (_, text, code, where) => {
    expect(refusal(() => value(text))).toMatchObject({ code, where });
  });

  test("no document, or two, where one is asked for", () => {
    expect(refusal(() => read("# nothing\n"))).toMatchObject({ code: "malformed", where: "shop.yaml" });
    expect(refusal(() => read("name: a\n---\nname: b\n"))).toMatchObject({ code: "malformed", where: "shop.yaml:3" });
  });
});
