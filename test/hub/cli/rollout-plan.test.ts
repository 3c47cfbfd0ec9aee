import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exportOf, type FleetExport } from "../../../hub/api/fleet-export.ts";
import { run } from "../../../hub/cli/run.ts";
import { HubWorld } from "../loop/world.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skerry-plan-"));
});
afterEach(() => rm(folder, { recursive: true }));

const FILE = `kind: Rollout/v1
bundle: pos
version: 1.0.0
sites: {}
waves:
  - { name: lab, sites: { ring: lab } }
  - { name: canary, take: 25%, spread: [region] }
`;

async function skerry(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const print = (line: string) => void out.push(line);
  const complain = (line: string) => void err.push(line);
  const code = await run(["rollout", "plan", ...args], { folder, now: 0, print, complain });
  return { code, out, err };
}

async function given(fleet: FleetExport | string, file = FILE): Promise<string[]> {
  await writeFile(join(folder, "pos.yaml"), file);
  await writeFile(join(folder, "export.json"), typeof fleet === "string" ? fleet : JSON.stringify(fleet));
  return ["pos.yaml", "--fleet", "export.json"];
}

const site = (id: string, labels: Record<string, string> = {}) => ({
  id,
  labels,
  bundles: ["*"],
  floors: {},
  runs: [],
});
const fleet = (sites: FleetExport["sites"]): FleetExport => ({
  kind: "FleetExport/v1",
  fleet: "shops",
  at: "2026-11-02T08:00:00Z",
  sites,
  versions: [],
});

test("the plan on a laptop is the plan that the hub makes of the same file", async () => {
  const world = new HubWorld();
  for (const index of Array.from({ length: 9 }, (_, number) => number)) {
    world.addSite(`s-${index}`, { ring: index === 3 ? "lab" : "shop", region: `r${index % 2}` });
  }
  world.publish(1);
  await world.start();
  try {
    await world.pass(3);
    const before = exportOf(world.hub.read());
    world.deploy(FILE);
    await world.pass(6);
    const args = await given(before);
    const { code, out } = await skerry(...args, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out.join("\n"))).toEqual(world.run("pos-1").run.plan);
  } finally {
    await world.end();
  }
});

test("it says who is where, who is left out, and what nobody named", async () => {
  const left = { ...site("s-9"), bundles: ["kiosk"] };
  const sites = [site("s-1", { ring: "lab" }), site("s-2", { region: "north" }), site("s-3"), left];
  const { out } = await skerry(...(await given(fleet(sites))));
  expect(out).toEqual([
    "pos 1.0.0: 3 sites in 3 waves, 1 left out",
    "the hub does not know this version yet: it is taken as newer than all others",
    "wave lab: 1 sites: s-1",
    expect.stringMatching(/^wave canary: 1 sites: s-[23]$/),
    expect.stringMatching(/^wave rest: 1 sites that no wave of the file has: s-[23]$/),
    "left out s-9: its site record does not list the bundle pos",
  ]);
});

test("a return names the Jobs that it does not undo", async () => {
  const [below, above]: [[number, number], [number, number]] = [
    [1, 1],
    [1, 2],
  ];
  const ran = { bundle: "pos", digest: "b".repeat(32), marks: [above, below] as [typeof above, typeof below] };
  const sites = [
    { ...site("s-1", { ring: "lab" }), runs: [{ ...ran, jobs: ["shop/migrate of 1.1.0: complete"] }] },
    { ...site("s-2", { region: "north" }), runs: [ran] },
  ];
  const version = { bundle: "pos", version: "1.0.0", digest: "a".repeat(64), pair: below, floor: below };
  const { out, err } = await skerry(...(await given({ ...fleet(sites), versions: [version] })));
  expect(err).toEqual([]);
  expect(out.at(-1)).toBe("a return does not undo the Job shop/migrate of 1.1.0: complete, at 1 sites");
});

test("a return below a site's floor leaves it out, as the hub would", async () => {
  const digest = "a".repeat(64);
  const runs = [
    {
      bundle: "pos",
      digest: "b".repeat(32),
      marks: [
        [1, 5],
        [1, 4],
      ] as [[number, number], [number, number]],
    },
  ];
  const export_ = {
    ...fleet([{ ...site("s-1"), runs }, site("s-2")]),
    versions: [
      { bundle: "pos", version: "1.0.0", digest, pair: [1, 1] as [number, number], floor: [1, 1] as [number, number] },
    ],
  };
  const { out } = await skerry(...(await given(export_, FILE.replace(/waves:[^]*/, ""))));
  expect(out.at(-1)).toBe("left out s-1: it may not go below 1.4, and 1.0.0 is 1.1");
});

test.each([
  ["a wave without a site", FILE, /^schema: wave lab matches no site .* \(pos\.yaml:6 \/waves\/0\/sites\)/],
  ["an unknown key", FILE.replace("sites: {}", "sties: {}"), /^schema: .*pos\.yaml:4 \/sties\); did you mean sites/],
])("%s is refused at its line", async (_title, file, words) => {
  const { code, err } = await skerry(...(await given(fleet([site("s-1")]), file)));
  expect(code).toBe(1);
  expect(err.join("\n")).toMatch(words);
});

test.each([
  ["{", /^malformed: the export is not JSON \(export\.json\); save it anew/],
  ['{"kind":"Fleet"}', /^schema: .* \(export\.json /],
])("an export that is %s is refused", async (text, words) => {
  const { code, err } = await skerry(...(await given(text)));
  expect([code, err.join("\n")]).toEqual([1, expect.stringMatching(words)]);
});

test("the schema for editors is the one that the hub reads by", async () => {
  const { rolloutJsonSchema } = await import("../../../hub/cli/rollout-schema.ts");
  const file = new URL("../../../docs/rollout.schema.json", import.meta.url);
  const expected = `${JSON.stringify(rolloutJsonSchema(), undefined, 2)}\n`;
  if (process.env["UPDATE_GOLDEN"] === "1") await writeFile(file, expected);
  expect(await readFile(file, "utf8")).toBe(expected);
});
