import { describe, expect, it } from "vitest";
import { sorted } from "../../../shared/canonical.ts";
import type { Json, JsonObject } from "../../../shared/live.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { BUNDLE_LABEL } from "../../../shared/render/render.ts";
import { configMap, siteDocument } from "../../support/fleet.ts";
import { DIGEST, HOLDERS, IMAGE, object, refusal, rendered } from "./sample.ts";

const data = (text: string) => rendered([configMap("till", { text })]).objects[0]?.object["data"];

describe("variables", () => {
  it("that nobody declared are refused, by file and path", () => {
    expect(refusal(() => rendered([configMap("other"), configMap("till", { text: "hi ${NAME}!" })]))).toEqual({
      code: "variable",
      where: "files/1-till.json /data/text",
      words: "${NAME} is not declared",
    });
    const deep = object("example.com/v1", "Till", "shop", { spec: { "a/b": [1, { c: "${X}" }] } });
    expect(refusal(() => rendered([deep])).where).toBe("files/0-till.json /spec/a~1b/1/c");
  });

  it.each([
    ["$${NAME}", "${NAME}"],
    ["a $${A} b $${B}", "a ${A} b ${B}"],
    ["$$${NAME}", "$${NAME}"],
    ["$NAME ${ $(NAME) $$", "$NAME ${ $(NAME) $$"],
  ])("%s is the text %s", (written, meant) => {
    expect(data(written)).toEqual({ text: meant });
  });
});

it("an object with values of the site's own is shown with their names, one with the hub's or a default as it is", () => {
  const variables = {
    REGION: { type: "string" as const, label: "region" },
    PIN: { type: "integer" as const },
    GREETING: { type: "string" as const, settable: "hub" as const, default: "hi", enum: ["hi", "moin"] },
  };
  const record = { ...siteDocument(), labels: { region: "north" }, values: { pos: { PIN: 17 } } };
  const objects = [
    configMap("own", { at: "${REGION}/${GREETING}", pin: "no ${PIN}" }),
    configMap("common", { greeting: "${GREETING}" }),
    object("v1", "Secret", "shop", { stringData: { pin: "at ${PIN}" } }),
  ];
  const made = rendered(objects, {}, { variables }, { record, hub: { GREETING: "moin" } });
  const [own, common, secret] = made.objects;
  expect(own?.object["data"]).toEqual({ at: "north/moin", pin: "no 17" });
  expect(own?.shown?.["data"]).toEqual({ at: "${REGION}/moin", pin: "no ${PIN}" });
  expect(common?.object["data"]).toEqual({ greeting: "moin" });
  expect(common?.shown).toBeUndefined();
  expect(secret?.shown?.["data"]).toEqual({ pin: Buffer.from("at ${PIN}").toString("base64") });
});

describe("the label", () => {
  const labelsOf = (labels: Json) =>
    rendered([object("v1", "ConfigMap", "shop", { metadata: { name: "till", namespace: "shop", labels } })]).objects[0]
      ?.object.metadata["labels"];

  it("names the bundle, beside the object's own", () => {
    expect(labelsOf({ app: "till" })).toEqual({ app: "till", [BUNDLE_LABEL]: "pos" });
  });

  it("cannot be given away to another bundle", () => {
    expect(labelsOf({ [BUNDLE_LABEL]: "other" })).toEqual({ [BUNDLE_LABEL]: "pos" });
  });
});

describe("stringData of a Secret", () => {
  const secret = (rest: JsonObject, apiVersion = "v1") =>
    rendered([object(apiVersion, "Secret", "shop", rest)]).objects[0]?.object;

  it("is data, over what stands there", () => {
    const given = secret({ data: { a: "YQ==", b: "Yg==" }, stringData: { b: "grüß", ["__proto__"]: "x" } });
    expect(given).not.toHaveProperty("stringData");
    expect(given?.["data"]).toEqual({ a: "YQ==", b: "Z3LDvMOf", ["__proto__"]: "eA==" });
  });

  it("must be text, and is no matter of other kinds", () => {
    expect(refusal(() => secret({ stringData: { n: 1 } }))).toMatchObject({
      code: "schema",
      where: "files/0-till.json /stringData/n",
    });
    expect(secret({ stringData: { n: 1 } }, "x.io/v1")?.["stringData"]).toEqual({ n: 1 });
  });
});

it("the hash is that of the object as it is sent", () => {
  const [only] = rendered([configMap("till")]).objects;
  expect(only?.hash).toBe(sha256Hex(Buffer.from(sorted(only?.object))));
  expect(rendered([configMap("till")]).objects).toEqual(rendered([configMap("till")]).objects);
});

it("two files that are the same object are refused, by both names", () => {
  const found = refusal(() => rendered([configMap("till"), configMap("till", { other: "x" })], {}, twoFiles()));
  expect(found).toMatchObject({ code: "schema", where: "files/b.json v1 ConfigMap shop/till" });
  expect(found.words).toContain("files/a.json");
});

describe.each(Object.keys(HOLDERS))("images of a %s", (kind) => {
  const holder = HOLDERS[kind];
  const withImage = (image: string, key = "containers") =>
    rendered([
      holder?.holds({ containers: [{ name: "till", image: IMAGE }], [key]: [{ name: "x", image }] }) ?? fail(),
    ]);

  it("that are pinned to a listed digest are taken", () => {
    expect(withImage(IMAGE).objects).toHaveLength(1);
    expect(withImage(`registry.example/till@${DIGEST}`).objects).toHaveLength(1);
  });

  it.each([
    "till",
    "till:1",
    `till@sha256:${"1".repeat(63)}`,
    `till@md5:${"1".repeat(64)}`,
    `${IMAGE} `,
    `till@x@${DIGEST}`,
  ])("are refused unpinned: %s", (image) => {
    for (const key of ["containers", "initContainers", "ephemeralContainers"]) {
      const found = refusal(() => withImage(image, key));
      expect(found).toMatchObject({ code: "image" });
      expect(found.where.endsWith(`${holder?.at}/${key}/0/image`)).toBe(true);
    }
  });

  it("are refused where the bundle does not list their digest", () => {
    expect(refusal(() => withImage(`till@sha256:${"2".repeat(64)}`)).words).toContain("not in the bundle's list");
  });

  it("are looked for in volumes, too", () => {
    const mounted = (reference: string) =>
      holder?.holds({
        containers: [],
        volumes: [
          { name: "a", emptyDir: {} },
          { name: "v", image: { reference } },
        ],
      }) ?? fail();
    expect(rendered([mounted(IMAGE)]).objects).toHaveLength(1);
    expect(refusal(() => rendered([mounted("till:1")])).where.endsWith(`${holder?.at}/volumes/1/image/reference`)).toBe(
      true,
    );
  });

  it("are held to the pod security of the delegation, baseline where it names none", () => {
    const risky = holder?.holds({ hostNetwork: true, containers: [] }) ?? fail();
    const found = refusal(() => rendered([risky]));
    expect(found).toMatchObject({ code: "privilege" });
    expect(found.where.endsWith(`${holder?.at}/hostNetwork`)).toBe(true);
    expect(rendered([risky], { podSecurity: "privileged" }).objects).toHaveLength(1);
    const plain = holder?.holds({ containers: [{ name: "till", image: IMAGE }] }) ?? fail();
    expect(rendered([plain], { podSecurity: "baseline" }).objects).toHaveLength(1);
    expect(refusal(() => rendered([plain], { podSecurity: "restricted" })).code).toBe("privilege");
  });
});

it("a kind that is named like something every JavaScript object has runs no pod", () => {
  for (const kind of ["constructor", "toString"])
    expect(rendered([object("v1", kind, "shop")]).objects[0]?.ref.kind).toBe(kind);
});

function twoFiles(): Parameters<typeof rendered>[2] {
  const files = [configMap("till"), configMap("till", { other: "x" })].map((each) => Buffer.from(sorted(each)));
  return {
    files: files.map((bytes, index) => ({
      path: index === 0 ? "a.json" : "b.json",
      sha256: sha256Hex(bytes),
      size: bytes.byteLength,
    })),
  };
}

function fail(): never {
  throw new Error("no such holder");
}
