import { expect, test } from "vitest";
import { examplesOf } from "../../support/doc-examples.ts";
import { fleetFixture } from "./fixture.ts";

/** Built in `test/k8s/build-tools.k8s.test.ts`, which has the tools. */
const WITH_TOOLS = new Set(["Kustomize", "Helm"]);

const examples = examplesOf("build.md").filter(({ section }) => !WITH_TOOLS.has(section));

test.each(examples)("docs/build.md, $section: builds as it stands, without a warning", async ({ files }) => {
  const fleet = await fleetFixture();
  try {
    fleet.git("rm", "-r", "--quiet", "bundles");
    for (const [path, text] of Object.entries(files)) await fleet.write(path, text);
    fleet.commit("an example");
    expect(await fleet.skerry("bundle", "build", "bundles/pos")).toMatchObject({ code: 0, err: [] });
  } finally {
    await fleet.remove();
  }
});

test("the page has examples", () => {
  expect(examples.length).toBeGreaterThan(4);
});
