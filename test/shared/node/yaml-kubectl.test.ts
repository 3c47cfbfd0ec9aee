import { describe, expect, it } from "vitest";
import { AppError, inWords } from "../../../shared/errors.ts";
import { readYamlAsKubectl } from "../../../shared/node/yaml-document.ts";
import { CASE_HEADER, recordedReadings, yamlCases } from "../../support/yaml-golden.ts";

function objects(text: string): unknown[] {
  return readYamlAsKubectl(text, "m.yaml").documents.map(({ value }) => value);
}

function refusal(text: string): string {
  try {
    objects(text);
  } catch (error) {
    if (error instanceof AppError) return inWords(error);
    throw error;
  }
  return "";
}

/** What is read by kubectl and refused here, because something would be lost or changed without a word, or is too rare to be worth it. */
const REFUSED: ReadonlyMap<string, RegExp> = new Map([
  ["value: 123456789012345678\n", /no number that JSON carries exactly/],
  ["value: 0xFFFFFFFFFFFFFFFF\n", /no number that JSON carries exactly/],
  ["value: 1e21\n", /no number that JSON carries exactly/],
  ["value: !x\n", /tags other than !!str/],
  ["value: !!binary aGk=\n", /tags other than !!str/],
  ["value: !!int 5\n", /tags other than !!str/],
  ["holder:\n  .inf: value\n", /a key that is not text/],
  ["holder:\n  -.Inf: value\n", /a key that is not text/],
  ["holder:\n  +.INF: value\n", /a key that is not text/],
  ["holder:\n  .NaN: value\n", /a key that is not text/],
  ["holder:\n  123456789012345678: value\n", /a key that is not text/],
  ["holder:\n  !x: value\n", /tags other than !!str/],
  ["holder:\n  !!binary aGk=: value\n", /tags other than !!str/],
  ["holder:\n  !!int 5: value\n", /tags other than !!str/],
  ["b:\n  r: 3\n  <<: {q: 1, r: 2}\n", /kubectl takes this merge for "r", not what stands on line 5 \(m\.yaml:6\)/],
  ["a: 1\nb: 2\na: 3\n", /"a" stands here twice, first on line 4 \(m\.yaml:6\)/],
  ["f: !!str [1]\n", /tags other than !!str/],
  ["a: !foo bar\n", /tags other than !!str/],
  ["a: !!set {x, y}\n", /tags other than !!str/],
  ["a: !!map {b: 1}\nb: !!seq [1]\n", /tags other than !!str/],
  [`a: !!binary aGVsbG8=\nb: !!int "5"\nc: !!float 5\nd: !!bool yes\ne: !!null ''\n`, /tags other than !!str/],
  [`a: 1\n...\n${CASE_HEADER}a: 2\n`, /kubectl leaves out what follows `\.\.\.` \(m\.yaml:6\)/],
  ['a: "x\u0085y"\n', /kubectl takes U\+0085 for the end of a line \(m\.yaml:4\); write it as \\u0085/],
  ['a: "x\u2028y"\n', /kubectl takes U\+2028 for the end of a line/],
  ["c: 'y'# d\n", /not YAML/],
]);

/** What kubectl refuses and is read here: escapes that JSON has, and documents that are no object, refused one step later. */
const TAKEN: ReadonlySet<string> = new Set([
  'a: "\\/"\n',
  'a: "\\ud83d\\ude00"\n',
  "a: 1\n---\n- 1\n",
  "a: 1\n---\ntext\n",
]);

describe("what kubectl 1.36.3 read, as test/k8s/yaml.k8s.test.ts recorded it", () => {
  const readings = recordedReadings();

  it("was asked all cases there are", () => {
    expect(readings.map(({ text }) => text)).toEqual(yamlCases());
    expect(readings.length).toBeGreaterThan(300);
  });

  it.each(readings.map((reading) => [reading.text.slice(CASE_HEADER.length), reading] as const))(
    "%j",
    (body, reading) => {
      const refused = REFUSED.get(body);
      if (refused !== undefined) {
        expect(reading.refused).toBe(false);
        expect(refusal(reading.text)).toMatch(refused);
      } else if (reading.refused && !TAKEN.has(body)) {
        expect(refusal(reading.text)).toMatch(/^(?:malformed|unsupported): /);
      } else if (!reading.refused) {
        expect(objects(reading.text)).toEqual(reading.objects);
      }
    },
  );
});

it("refuses two keys that kubectl makes one of: which of them it takes is different from run to run", () => {
  const text = `${CASE_HEADER}a:\n  1: x\n  "1": y\n`;
  expect(refusal(text)).toMatch(/"1" stands here twice, first on line 5 \(m\.yaml:6\)/);
});

describe("what YAML 1.2 reads otherwise comes with a warning", () => {
  it.each([
    ["yes", "the boolean true", 'the text "yes"'],
    ["off", "the boolean false", 'the text "off"'],
    ["y", "the boolean true", 'the text "y"'],
    ["0644", "the number 420", "the number 644"],
    ["+0x1F", "the number 31", 'the text "+0x1F"'],
    ["0b11", "the number 3", 'the text "0b11"'],
    ["1_000", "the number 1000", 'the text "1_000"'],
    ["1e400", 'the text "1e400"', "the number Infinity"],
  ])("%s", (text, asKubectl, asYaml12) => {
    const { documents, warnings } = readYamlAsKubectl(`a: 1\nb: [${text}]\n`, "m.yaml");
    expect(warnings).toEqual([{ where: "m.yaml:2", text, asKubectl, asYaml12 }]);
    expect(documents).toHaveLength(1);
  });

  it.each([
    ["on", "true", "on"],
    ["0644", "420", "644"],
    ["1e6", "1e+06", "1000000"],
  ])("the key %s", (text, asKubectl, asYaml12) => {
    const { documents, warnings } = readYamlAsKubectl(`a: 1\n${text}: x\n`, "m.yaml");
    expect(warnings).toEqual([
      { where: "m.yaml:2", text, asKubectl: `the key "${asKubectl}"`, asYaml12: `the key "${asYaml12}"` },
    ]);
    expect(documents[0]?.value).toEqual({ a: 1, [asKubectl]: "x" });
  });

  it("a merge", () => {
    const { warnings } = readYamlAsKubectl("a: &x {b: 1}\nc:\n  <<: *x\n", "m.yaml");
    expect(warnings).toEqual([
      { where: "m.yaml:3", text: "<<", asKubectl: "a merge of mappings", asYaml12: 'the key "<<"' },
    ]);
  });

  it.each([
    "true",
    "12:30:45",
    "=",
    ".5",
    "1e3",
    "+1",
    "0o17",
    "08",
    "~",
    "2001-12-14",
    "'yes'",
    '"0644"',
    "80",
    "text",
  ])("none for %s, which both read alike", (text) => {
    expect(readYamlAsKubectl(`a: ${text}\n`, "m.yaml").warnings).toEqual([]);
  });
});

describe("no text grows while it is read", () => {
  const laughs = (levels: number) =>
    Array.from({ length: levels }, (_, at) => `a${at}: &a${at} [${at === 0 ? "lol" : `*a${at - 1},`.repeat(9)}]`);

  it("a billion laughs", () => {
    expect(refusal(`${laughs(10).join("\n")}\n`)).toMatch(
      /^too-large: aliases that write out more than 4194304 characters \(m\.yaml:\d\)/,
    );
  });

  it("long text, often", () => {
    const text = `a: &x ${"x".repeat(500_000)}\nb: [${"*x,".repeat(100)}]\n`;
    expect(refusal(text)).toMatch(/^too-large: aliases .*\(m\.yaml:2\)/);
  });

  it("aliases that nest ever deeper", () => {
    const deep = Array.from({ length: 200 }, (_, at) => `a${at}: &a${at} ${at === 0 ? "[x]" : `[[[*a${at - 1}]]]`}`);
    expect(refusal(`${deep.join("\n")}\n`)).toMatch(/^too-large: \*a\d+ nests deeper than 64 levels \(m\.yaml:\d+\)/);
  });

  it("levels, bytes, and lines that must be read again", () => {
    expect(refusal(`a: ${"[".repeat(65)}${"]".repeat(65)}\n`)).toMatch(/^malformed: not YAML: .*\(m\.yaml:1\)/);
    expect(refusal(`a: "${"x".repeat(1024 * 1024)}"\n`)).toMatch(/^too-large: /);
    const started = performance.now();
    expect(refusal(`a: [\n${"b,\n".repeat(200_000)}]\n`)).toMatch(/deficient indentation/);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it("many warnings", () => {
    const { warnings } = readYamlAsKubectl(`a:\n${"- yes\n".repeat(100_000)}`, "m.yaml");
    expect(warnings.at(-1)?.where).toBe("m.yaml:100001");
  });
});

it("an alias is a value of its own, and stands where it is written", () => {
  const { documents } = readYamlAsKubectl("a: &x {b: [1]}\nc: *x\n", "m.yaml");
  expect(documents.map(({ value, lineOf }) => [value, lineOf("/c/b/0")])).toEqual([
    [{ a: { b: [1] }, c: { b: [1] } }, 2],
  ]);
});

it.each([
  ["*x", /^malformed: \*x is an alias of nothing \(m\.yaml:1\)/],
  ["&x [*x]", /^malformed: \*x stands in what it is an alias of/],
])("a: %s", (text, words) => {
  expect(refusal(`a: ${text}\n`)).toMatch(words);
});
