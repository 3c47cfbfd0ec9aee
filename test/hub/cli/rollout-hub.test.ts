import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Api, apiServer } from "../../../hub/api/server.ts";
import { run } from "../../../hub/cli/run.ts";
import type { Phase } from "../../../hub/rollout/run.ts";
import { systemClock } from "../../../shared/node/clock.ts";
import { quiet, rollingHub, type ScriptedHub } from "../api/hub.ts";
import { inWords, NOW, seen } from "../api/sample.ts";
import { memberOf } from "../rollout/samples.ts";

const TOKEN = "a-long-random-word";
let folder: string;
let hub: ScriptedHub;
let api: Api;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "skerry-cli-"));
  for (const file of ["app.js", "app.css"]) writeFileSync(join(folder, file), "");
  writeFileSync(join(folder, "token"), `${TOKEN}\n`);
  hub = rollingHub();
  hub.show({ rollouts: [{ name: "pos", commit: "c1", sha256: "h", version: "1.2.0", refused: null }] });
  const { clock, log, ...given } = { clock: systemClock, log: quiet, host: "127.0.0.1", port: 0, token: TOKEN };
  api = await apiServer({
    ...given,
    clock,
    log,
    assets: folder,
    inWords,
    read: () => hub.read(),
    subscribe: (onChange) => hub.subscribe(onChange),
    events: (query) => hub.events(query),
    diff: (run, hash) => hub.diff(run, hash),
    wayBack: (run) => hub.wayBack(run),
    person: (hash) => hub.person(hash),
    wake: () => hub.wake(),
    act: (act) => hub.act(act),
    startAgain: (start) => hub.startAgain(start),
  });
});
afterEach(async () => {
  await api.stop();
  rmSync(folder, { recursive: true });
});

async function skerry(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const env = { SKERRY_HUB: api.url };
  const world = {
    folder,
    now: 0,
    env,
    print: (text: string) => out.push(text),
    complain: (text: string) => err.push(text),
  };
  return { code: await run(["rollout", ...args], world), out, err };
}

function become(phase: Phase): void {
  const [one] = hub.read().runs;
  if (one === undefined) throw new Error("no run");
  const because = { kind: "completed", healthy: 1, of: 1, behind: { count: 0, first: [] } } as const;
  hub.show({ runs: [seen({ ...one.run, phase }, because)] });
}

test("ls shows each rollout with its last run and why that waits", async () => {
  expect(await skerry("ls")).toEqual({
    code: 0,
    err: [],
    out: [
      "NAME  VERSION  RUN    PHASE    WHY",
      "pos   1.2.0    pos-2  rolling  lab: 0 of 1 healthy; waiting for s-1 (applying)",
    ],
  });
  const { out } = await skerry("ls", "-o", "json");
  expect(JSON.parse(out.join("\n"))).toMatchObject([{ name: "pos", run: { id: "pos-2", phase: "rolling" } }]);
});

test("status says all of it, and exits by how far the run is", async () => {
  const rolling = await skerry("status", "pos");
  expect([rolling.code, rolling.out[0]]).toEqual([
    3,
    "pos-2 pos 1.2.0 rolling: lab: 0 of 1 healthy; waiting for s-1 (applying)",
  ]);
  expect(rolling.out.at(-1)).toBe("now possible: pause, promote, skip, revert, abort");
  become({ kind: "completed", at: NOW });
  expect((await skerry("status", "pos", "--run", "pos-2")).code).toBe(0);
  become({ kind: "aborted", who: "ann", reason: "no", at: NOW });
  expect((await skerry("status", "pos")).code).toBe(1);
});

test("status shows what would change in rows as the run's card does, and what going back would do", async () => {
  const [one] = hub.read().runs;
  if (one === undefined) throw new Error("no run");
  const hash = "9".repeat(32);
  const rows = [
    { code: "policy" as const, diff: null, sites: 1, first: ["s-3"] },
    { code: null, diff: hash, sites: 7, first: ["s-1", "s-2"] },
  ];
  hub.show({ runs: [{ ...one, preview: { rows, more: 2, sites: 8 } }] });
  hub.back = {
    sites: 3,
    left: [{ site: "s-2", code: "floor", why: "a phase without return is through there" }],
    jobs: [{ job: "shop/migrate of 1.2.0: complete", sites: 2 }],
  };
  const { out } = await skerry("status", "pos");
  const from = out.findIndex((each) => each.startsWith("prepared"));
  expect(out.slice(from)).toEqual([
    expect.stringMatching(/^prepared at 8 of \d+ sites$/),
    `SITES  SAY                DIFF                              WHO`,
    `1      not ready: policy  -                                 s-3`,
    `7      ready              ${hash}  s-1 s-2 ...`,
    "and 2 more, each at fewer sites",
    "",
    "going back: 3 sites would be sent to what they ran before",
    "may not go back s-2: a phase without return is through there",
    "not undone: Job shop/migrate of 1.2.0: complete, at 2 sites",
    "",
    "now possible: pause, promote, skip, revert, abort",
  ]);
  const { out: json } = await skerry("status", "pos", "-o", "json");
  expect(JSON.parse(json.join("\n"))).toMatchObject({ id: "pos-2", return: { sites: 3, jobs: [{ sites: 2 }] } });
});

test("plan asks the hub where no export is given, and shows what sites found that prepared this version", async () => {
  const [one] = hub.read().runs;
  if (one === undefined) throw new Error("no run");
  const rows = [{ code: null, diff: null, sites: 1, first: ["s-1"] }];
  hub.show({ members: [memberOf("s-1")], runs: [{ ...one, preview: { rows, more: 0, sites: 1 } }] });
  const file = (version: string) => `kind: Rollout/v1\nbundle: pos\nversion: ${version}\nsites: {}\n`;
  writeFileSync(join(folder, "pos.yaml"), file(one.run.target.version));
  const { code, out, err } = await skerry("plan", "pos.yaml");
  expect(err).toEqual([]);
  expect([code, out[0]]).toEqual([0, expect.stringMatching(/^pos 1\.2\.0: \d+ sites in 1 waves/)]);
  expect(out.slice(-2)).toEqual(["SITES  SAY    DIFF  WHO", "1      ready  -     s-1"]);
  writeFileSync(join(folder, "pos.yaml"), file("9.9.9"));
  expect((await skerry("plan", "pos.yaml")).out.join("\n")).not.toContain("prepared at");
});

test("watch prints what changes until the run has ended, or for so long", async () => {
  expect((await skerry("watch", "pos", "--for", "1s")).code).toBe(3);
  const watching = skerry("watch", "pos");
  setTimeout(() => become({ kind: "completed", at: NOW }), 500);
  const { code, out } = await watching;
  expect([code, out.length, out.at(-1)]).toEqual([0, 2, "pos-2 pos 1.2.0 completed: 1 of 1 healthy"]);
});

test("a verb is carried out in the name of the token, and the run is shown as it is then", async () => {
  const asked = ["--reason", "stock-taking", "--token-file", "token", "--who", "ann"];
  const { code, out, err } = await skerry("pause", "pos", "--wave", "lab", ...asked);
  expect([code, err, out]).toEqual([0, [], ["pos-2 pos 1.2.0 paused: by ann (by the hub's token): stock-taking"]]);
  expect(hub.acts).toEqual([
    { run: "pos-2", verb: "pause", who: "ann (by the hub's token)", reason: "stock-taking", wave: "lab" },
  ]);
  const refused = await skerry("pause", "pos", "--reason", "more", "--token-file", "token", "--who", "bob");
  expect([refused.code, refused.err.join("\n")]).toEqual([
    1,
    expect.stringMatching(/^busy: .*pos-2 is paused since .*now possible:/),
  ]);
});

test("start moves the version once more", async () => {
  become({ kind: "completed", at: NOW });
  const { code, out } = await skerry(
    "start",
    "pos",
    "--reason",
    "new records",
    "--token-file",
    "token",
    "--who",
    "ann",
  );
  expect([code, out[0]]).toEqual([0, expect.stringMatching(/^pos-20 pos 1\.2\.0 planned: /)]);
});

test.each<[string[], number, RegExp]>([
  [["pause", "pos"], 2, /--reason/],
  [["skip", "pos", "--reason", "x", "--token-file", "token"], 2, /--site/],
  [["pause", "pos", "--reason", "x"], 2, /^usage: a verb needs a token; give --token-file/],
  [["pause", "pos", "--reason", "x", "--token-file", "none"], 1, /^not-found: there is no such file \(.*none\)/],
  [
    ["pause", "kiosk", "--reason", "x", "--token-file", "token"],
    1,
    /^not-found: the hub has no rollout kiosk; it has pos/,
  ],
  [["status", "pos", "--run", "pos-9"], 1, /^not-found: pos has no run pos-9/],
  [["status", "pos", "-o", "xml"], 2, /^usage: -o xml is no format; leave it out, or use json/],
  [["ls", "--hub", "hub.example.com"], 2, /^usage: hub\.example\.com is no address; give --hub/],
  [["ls", "--hub", "http://127.0.0.1:1"], 1, /^unreachable: the hub was not reached: .* \(http:\/\/127\.0\.0\.1:1\)/],
  [["watch", "pos", "--for", "soon"], 2, /^usage: --for soon is no duration/],
])("%j exits %i", async (args, code, words) => {
  const found = await skerry(...args);
  expect([found.code, found.err.join("\n")]).toEqual([code, expect.stringMatching(words)]);
});

test("a token that is nobody's is refused by the hub, in its words", async () => {
  writeFileSync(join(folder, "other"), "another-long-random-word");
  const { code, err } = await skerry("pause", "pos", "--reason", "x", "--token-file", "other");
  expect([code, err[0]]).toEqual([
    1,
    expect.stringMatching(/^sender: the request carries no token that this hub knows; /),
  ]);
});
