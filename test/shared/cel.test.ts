import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CEL_MAX_LENGTH, CEL_MAX_VALUES, type CelFailure, celObject, compileCel, evaluate } from "../../shared/cel.ts";
import { AppError } from "../../shared/errors.ts";
import type { JsonObject, KubeObject } from "../../shared/live.ts";
import { refusal } from "./render/sample.ts";

const POD: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "till", namespace: "shop", labels: { "app.kubernetes.io/name": "till", constructor: "none" } },
  spec: {
    replicas: 3,
    ratio: 1.5,
    nothing: null,
    ports: [80, 443],
    containers: [
      { name: "till", image: "registry.example/till:1", env: [{ name: "MODE", value: "fast" }] },
      { name: "log", image: "registry.example/log:1" },
    ],
  },
};

function outcome(source: string, object: KubeObject = POD): boolean | CelFailure {
  return evaluate(compileCel(source, "bundle.json /checks/0/cel"), celObject(object));
}

/** An object with these beside its names. */
function holding(rest: JsonObject): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "big" }, ...rest };
}

describe("an expression is read as Kubernetes reads it", () => {
  it.each<[string, boolean]>([
    ["object.spec.replicas == 3", true],
    ["object.spec.replicas == 3.0", true],
    ["object.spec.replicas > 2.5", true],
    ["object.spec.replicas / 2 == 1", true],
    ["object.spec.ratio > 1", true],
    ["object.spec.ratio == 1", false],
    ["object.spec.replicas == 'x'", false],
    ["object.spec.replicas == null", false],
    ["object.spec.nothing == null", true],
    ["has(object.spec.nothing)", true],
    ["has(object.spec.absent)", false],
    ["has(object.status)", false],
    ["!has(object.status) || object.status.phase == 'Ready'", true],
    ["object.status.phase == 'Ready' || true", true],
    ["object.kind != 'Pod'", false],
    ["object.kind in ['Pod', 'Job']", true],
    ["object.metadata.namespace == 'shop'", true],
    ["object.metadata.labels['app.kubernetes.io/name'] == 'till'", true],
    ["'app.kubernetes.io/name' in object.metadata.labels", true],
    ["object.metadata.labels['constructor'] == 'none'", true],
    ["object.metadata.labels.all(key, key != 'x')", true],
    ["443 in object.spec.ports", true],
    ["object.spec.ports == [80, 443]", true],
    ["object.spec.ports + [1] == [80, 443, 1]", true],
    ["object.spec.ports[0] == 80", true],
    ["size(object.spec.containers) == 2 && object.kind.size() == 3", true],
    ["object.spec.containers.all(c, c.image.startsWith('registry.example/'))", true],
    ["object.spec.containers.exists(c, c.name.endsWith('og') && c.image.contains(':1'))", true],
    ["object.spec.containers.exists_one(c, has(c.env))", true],
    ["object.spec.containers.exists(c, c.env.exists(e, e.value == 'fast'))", true],
    ["object.spec.containers.map(c, c.name) == ['till', 'log']", true],
    ["object.spec.containers.map(c, has(c.env), c.name) == ['till']", true],
    ["object.spec.containers.filter(c, !has(c.env))[0].name == 'log'", true],
    ["object.spec.containers[0].image.split(':')[1] == '1'", true],
    ["['a', 'b'].join('-') == 'a-b' && ' a '.trim() == 'a'", true],
    ["object == object", true],
    ["object.spec.containers[0].env[0] == {'value': 'fast', 'name': 'MODE'}", true],
    ["string(object.spec.replicas) == '3' && int('12') == 12 && double('1.5') == 1.5", true],
    ["type(object.spec.replicas) == int && type(object.spec.ratio) == double", true],
    ["(object.spec.replicas > 2 ? 'many' : 'few') == 'many'", true],
    ["-object.spec.replicas == -3 && 7 % 3 == 1 && 2 * (3 + 4) == 14", true],
    ["r'\\d' == '\\\\d' && \"\"\"a\"\"\" == 'a' && 'é'.size() == 1", true],
    ["[1, 'a', object.kind].size() == 3", true],
  ])("%s", (source, expected) => {
    expect(outcome(source)).toBe(expected);
  });

  it.each([
    ["object.status.phase == 'Ready'", /No such key: status/],
    ["object.spec.containers.all(c, c.env.size() > 0)", /No such key: env/],
    ["object.spec.ports[7] == 1", /index out of bounds/],
    ["object.spec.replicas + 1.5 == 4.5", /no such overload/],
    ["object.spec.replicas && true", /bool/],
    ["object.kind", /neither true nor false/],
    ["int(object.kind) == 1", /"Pod" is no number/],
    ["int('') == 0", /"" is no number/],
    ["int('0b1') == 1", /"0b1" is no number/],
    ["object.spec.replicas / 0 == 1", /division by zero/],
    ["object.kind.contains(object.metadata)", /no matching overload/],
  ])("%s has no answer, and says why", (source, why) => {
    expect(outcome(source)).toEqual({ why: expect.stringMatching(why) });
  });

  it.each([
    ["object.", "schema", /Expected IDENTIFIER.*at character 8/],
    ["object.kind = 'Pod'", "schema", /at character 13/],
    ["(((", "schema", /Unexpected token: EOF \(at character 4\)/],
    ["", "schema", /Unexpected token/],
    ["oldObject.kind == 'Pod'", "schema", /Unknown variable: oldObject \(at character 1\)/],
    ["1 == 1.0", "schema", /no such overload: int == double/],
    ["1 + 1", "schema", /of type int, not bool/],
    ["object.spec.containers.map(c, c)", "schema", /of type list, not bool/],
    ["lookup('x')", "unsupported", /lookup\(\) is not taken/],
    ["_whole(1) == 1", "unsupported", /_whole\(\) is not taken/],
    ["size(1, 2) == 1", "schema", /found no matching overload for 'size/],
    ["object.metadata.labels == {'constructor': 'none'}", "unsupported", /'constructor' cannot be a key/],
    ["{1: 'a'}.size() == 1", "unsupported", /1 cannot be a key/],
    ["object.spec.replicas == 3u", "unsupported", /3u: bytes and unsigned numbers/],
    ["b'a' == b'a'", "unsupported", /b'a': bytes and unsigned numbers/],
    ["{object.kind: 1}.size() == 1", "unsupported", /object.kind cannot be a key/],
    ["object.kind.matches('^P')", "unsupported", /matches\(\) is not taken/],
    ["timestamp('2026-01-01T00:00:00Z').getHours() == 1", "unsupported", /getHours\(\) is not taken/],
    ["cel.bind(x, 1, x == 1)", "unsupported", /bind\(\) is not taken/],
  ])("`%s` is refused when it is compiled, as %s", (source, code, words) => {
    expect(refusal(() => compileCel(source, "here"))).toEqual({
      code,
      where: "here",
      words: expect.stringMatching(words),
    });
  });
});

describe("no source is too much to compile", () => {
  it.each([
    ["one that is too long", `true || ${"'a' == 'a' || ".repeat(CEL_MAX_LENGTH / 10)}true`],
    ["deep brackets", `${"(".repeat(1500)}true${")".repeat(1500)}`],
    ["deep lists", `${"[".repeat(1500)}${"]".repeat(1500)} == []`],
    ["many negations", `${"!".repeat(4000)}true`],
    ["a long chain of fields", `object${".a".repeat(2000)} == 1`],
    ["a long chain of operators", `1${"+1".repeat(900)} == 1`],
    ["more parts than it may have", `[${"1,".repeat(1900)}1] == []`],
    ["types in types", `['a']${".map(x, [[x], [x]])".repeat(99)} == object.list`],
    ["deep choices", `${"true?".repeat(400)}true${":true".repeat(400)}`],
  ])("%s", (_what, source) => {
    const started = performance.now();
    expect(refusal(() => compileCel(source, "here")).code).toBe("too-large");
    expect(performance.now() - started).toBeLessThan(300);
  });
});

it("types that would double with each step are refused before they are made", () => {
  const source = `['a']${".map(x, {x: x})".repeat(60)} == object.list`;
  expect(refusal(() => compileCel(source, "here"))).toMatchObject({ code: "unsupported" });
});

describe("no evaluation takes long", () => {
  const long = (count: number) =>
    holding({ items: Array.from({ length: count }, (_, at) => ({ at, name: `n${at}` })) });
  const text = (length: number) => holding({ text: "a".repeat(length), needle: `${"a".repeat(100)}b` });
  const doubled = (step: string) => `["${"x".repeat(100)}"]${`.map(x, ${step})`.repeat(60)}`;

  // A generous second, so that a busy machine does not fail it: unbounded, each of these takes minutes, or all memory.
  it.each<[string, string, KubeObject]>([
    ["loops in loops", "object.items.all(a, object.items.all(b, object.items.all(c, a != b || c != a)))", long(2000)],
    ["loops over a list in the source", nest("[1,2,3,4,5,6,7,8,9,10]", 9), POD],
    [
      "loops whose errors `exists` passes over",
      "object.items.exists(a, object.items.exists(b, b.no == a))",
      long(5000),
    ],
    ["errors after the budget is spent", `object.items.exists(a, ${nest("object.items", 4)})`, long(900)],
    ["text that doubles", `${doubled("x + x")} == object.list`, POD],
    ["lists that double", `${doubled("[x] + [x]")} == object.list`, POD],
    ["values that share their parts", `${doubled("[x, x]")} == ${doubled("[x, x]")}`, POD],
    [
      "text of half a megabyte, many times",
      `[${"1,".repeat(200)}1].all(i, object.text != object.text + 'a')`,
      text(5e5),
    ],
    ["text cut in letters", "object.text.split('').size() == 1", text(1.5e6)],
    ["text joined by text", "object.items.map(i, 'a').join(object.metadata.name) == ''", long(9000)],
    ["comparing all of a big object", `[${"1,".repeat(400)}1].all(i, object == object)`, long(9000)],
  ])("%s", (_what, source, object) => {
    const program = compileCel(source, "here");
    const prepared = celObject(object);
    const started = performance.now();
    expect(evaluate(program, prepared)).toEqual({ why: expect.stringMatching(/more steps/) });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it("a long needle is not looked for", () => {
    const object = holding({ text: "a".repeat(1e6), needle: `${"a".repeat(300)}b${"a".repeat(300)}` });
    expect(outcome("object.text.contains(object.needle)", object)).toEqual({
      why: "text of 601 characters to look for, at most 128",
    });
  });

  it("a fresh budget is there for each evaluation", () => {
    const object = celObject(long(2000));
    const program = compileCel("object.items.all(i, i.at >= 0)", "here");
    for (let turn = 0; turn < 20; turn++) expect(evaluate(program, object)).toBe(true);
  });

  it("what real rules ask of a big object fits in", () => {
    const containers = Array.from({ length: 30 }, (_, at) => ({
      name: `c${at}`,
      env: Array.from({ length: 100 }, (_, n) => ({ name: `E${n}`, value: "v".repeat(50) })),
    }));
    const rule = "object.spec.containers.all(c, !has(c.env) || c.env.all(e, !e.name.startsWith('SECRET')))";
    expect(outcome(rule, holding({ spec: { containers } }))).toBe(true);
    expect(outcome("!object.text.contains('password')", text(1.4e6))).toBe(true);
  });

  it("an object of too many values or levels is refused before", () => {
    expect(refusal(() => celObject(holding({ list: Array.from({ length: CEL_MAX_VALUES }, () => 1) }))).code).toBe(
      "too-large",
    );
    let deep: JsonObject = {};
    for (let level = 0; level < 20_000; level++) deep = { deep };
    expect(refusal(() => celObject(holding(deep))).code).toBe("too-large");
  });
});

/** `list.all(a, list.all(b, ...))`. */
function nest(list: string, levels: number): string {
  return levels === 0 ? "true" : `${list}.all(v${levels}, ${nest(list, levels - 1)})`;
}

describe("any small expression", () => {
  const scalars = ["1", "-1", "1.5", "'a'", "''", "true", "null", "b'a'", "1u", "9223372036854775807", "r'\\\\'"];
  const values = ["object", "object.spec", "object.spec.containers", "object.metadata.labels", "[]", "{}", "x", "int"];
  const atom = fc.constantFrom(...scalars, ...values);
  const { tree } = fc.letrec<{ tree: string }>((tie) => {
    const inner = tie("tree");
    const binary = fc.constantFrom("==", "!=", "<", ">=", "+", "-", "*", "/", "%", "in", "&&", "||", "=", "?", "..");
    const name = fc.constantFrom("size", "startsWith", "contains", "split", "join", "trim", "matches", "toString");
    const macro = fc.constantFrom("all", "exists", "exists_one", "map", "filter");
    const field = fc.constantFrom("kind", "spec", "name", "constructor", "__proto__", "size", "if");
    return {
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        atom,
        fc.tuple(inner, binary, inner).map(([left, op, right]) => `(${left} ${op} ${right})`),
        fc.tuple(inner, name, inner).map(([of, method, arg]) => `${of}.${method}(${arg})`),
        fc.tuple(name, inner).map(([called, arg]) => `${called}(${arg})`),
        fc.tuple(inner, macro, inner).map(([of, called, body]) => `${of}.${called}(x, ${body})`),
        fc.tuple(inner, field).map(([of, key]) => `${of}.${key}`),
        fc.tuple(inner, inner).map(([of, key]) => `${of}[${key}]`),
        fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc.tuple(inner, inner).map(([a, b]) => `{${a}: ${b}}`),
        inner.map((of) => `has(${of})`),
        inner.map((of) => `!${of}`),
        inner.map((of) => `int(string(${of}))`),
      ),
    };
  });

  it("is refused as an AppError, or is true, false or has words for why not", () => {
    const object = celObject(POD);
    let answered = 0;
    const property = fc.property(tree, (source) => {
      let program: ReturnType<typeof compileCel>;
      try {
        program = compileCel(source, "here");
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        return;
      }
      const result = evaluate(program, object);
      if (typeof result === "boolean") answered++;
      else expect(result.why).toMatch(/./);
    });
    fc.assert(property, { numRuns: 4000 });
    expect(answered).toBeGreaterThan(0);
  });
});
