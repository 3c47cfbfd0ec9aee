import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../shared/bundle.ts";
import type { KubeObject } from "../../../shared/live.ts";
import { readYamlAsKubectl } from "../../../shared/node/yaml-document.ts";
import { render } from "../../../shared/render/render.ts";
import type { Secrets } from "../../../shared/render/sealed.ts";
import { close, openManifest } from "../../../shared/verify/bundle.ts";
import { configMap, signedBundle, siteDocument, trustedRoot } from "../../support/fleet.ts";
import { thrownBy } from "../../support/thrown.ts";

const GOLDEN = new URL("../../golden/sops/", import.meta.url);
const golden = (name: string) => readFileSync(new URL(name, GOLDEN), "utf8");
const SEALED = readYamlAsKubectl(golden("one-group.sops.yaml"), "db").documents[0]?.value as KubeObject;
const PLAIN = JSON.parse(golden("one-group.json")) as KubeObject;
const PATH = "1-db.json";
const OPENED: Secrets = new Map([[PATH, PLAIN]]);

function rendered(secrets: Secrets | undefined, changes: Partial<Bundle> = {}, more: readonly KubeObject[] = []) {
  const bundle = signedBundle({ secrets: [PATH], ...changes }, [configMap("till"), SEALED, ...more]);
  const verified = close(openManifest(bundle.document, "pos", trustedRoot()), bundle.checked);
  const inputs = { record: siteDocument(), hub: {}, ...(secrets !== undefined && { secrets }) };
  const found = render(verified, inputs).objects.find(({ ref }) => ref.kind === "Secret");
  if (found === undefined) throw new Error("no Secret");
  return found;
}

function revealed(...given: Parameters<typeof rendered>): KubeObject {
  const { opened } = rendered(...given);
  if (opened === undefined) throw new Error("not opened");
  return opened.reveal();
}

const b64 = (text: string) => Buffer.from(text).toString("base64");

describe("a sealed Secret", () => {
  it("has its values where they are opened, as data, without the metadata of SOPS", () => {
    const object = revealed(OPENED);
    expect(object["data"]).toMatchObject({
      password: b64("hunter2"),
      empty: "",
      url: b64("postgres://till:hunter2@db/till"),
    });
    expect([object["sops"], object["stringData"]]).toEqual([undefined, undefined]);
  });

  it.each([undefined, OPENED])("shows `sealed:<hash>` to whoever looks at it, opened or not", (secrets) => {
    const { object, opened } = rendered(secrets);
    for (const printed of [
      JSON.stringify(opened),
      inspect(opened, { showHidden: true, depth: 9 }),
      JSON.stringify(object),
    ]) {
      expect(printed ?? "").not.toMatch(/hunter2|aHVudGVyMg/);
    }
    const data = Object.entries(object["data"] as Record<string, string>);
    const shown = Object.fromEntries(
      data.map(([key, value]) => [key, value.replace(/^sealed:[0-9a-f]{16}$/, "sealed")]),
    );
    expect(shown).toEqual({ password: "sealed", empty: "", url: "sealed", motto: "sealed", config: "sealed" });
  });

  it("has one hash opened or not, which another ciphertext changes", () => {
    const other = structuredClone(SEALED);
    (other["data"] as Record<string, string>)["password"] =
      (SEALED["stringData"] as Record<string, string>)["url"] ?? "";
    expect(rendered(OPENED).hash).toBe(rendered(undefined).hash);
    const bundle = signedBundle({ secrets: ["0-db.json"] }, [other]);
    const verified = close(openManifest(bundle.document, "pos", trustedRoot()), bundle.checked);
    expect(render(verified, { record: siteDocument(), hub: {} }).objects[0]?.hash).not.toBe(rendered(undefined).hash);
  });

  it("keeps `${...}` of a secret as text: it is data, and no variable", () => {
    const plain = { ...PLAIN, stringData: { url: "${NOBODY} declared" } };
    expect(revealed(new Map([[PATH, plain]]))["data"]).toMatchObject({ url: b64("${NOBODY} declared") });
  });

  it("can be patched, and what an overlay takes out or replaces stays so", () => {
    const patch = {
      ...configMap("db"),
      kind: "Secret",
      data: { password: b64("other"), url: null },
      metadata: { name: "db", namespace: "shop", labels: { tier: "back" } },
    };
    const object = revealed(OPENED, { overlays: [{ sites: {}, patch: "2-db.json", type: "strategic" }] }, [
      patch as unknown as KubeObject,
    ]);
    expect(object["data"]).toEqual({
      password: b64("other"),
      empty: "",
      motto: b64("zażółć gęślą jaźń €"),
      config: b64("[db]\npassword = hunter2\n"),
    });
    expect(object.metadata["labels"]).toMatchObject({ tier: "back" });
  });

  it.each([
    [
      "a check of the bundle",
      { checks: [{ cel: "!(has(object.data.password)) || int(object.data.password) > 0", message: "a number" }] },
    ],
    ["a check that does not hold", { checks: [{ cel: "object.kind != 'Secret'", message: "none" }] }],
  ])("is nowhere in the words of a refusal: %s", (_title, changes) => {
    const error = thrownBy(() => rendered(OPENED, changes)) as Error;
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toMatch(/hunter2|aHVudGVyMg/);
    expect(error).toMatchObject({ code: "policy" });
  });

  it("is no other kind of object", () => {
    expect(thrownBy(() => rendered(undefined, { secrets: ["0-till.json"] }))).toMatchObject({ code: "schema" });
  });
});
