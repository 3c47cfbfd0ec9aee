import { sha256Hex } from "../../shared/node/sha256.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { filesOf } from "../bench/solo-site.ts";
import { keys, rootDocument, signedBundle, signedHead, signedRoot, signedSite } from "../support/fleet.ts";
import { installed, untilSettled, V1 } from "./agent.ts";
import { agentStory } from "./agent-story.ts";
import { read } from "./left-behind.ts";
import { untilHolds } from "./scenario.ts";
import { toldBy } from "./told.ts";

/** A new root, a new record, a head, and a version that a stranger signed: the site holds the three, refuses the version, and goes on with what it runs. */
export const renewed = agentStory({
  name: "renewed",
  before: (stage) => installed(stage, V1),
  now: async (stage, { told: from }) => {
    const { site, lives } = stage;
    const { roles, bundles } = rootDocument();
    const [bundle] = bundles;
    if (bundle === undefined) throw new Error("the root delegates no bundle");
    const root = signedRoot({
      number: 2,
      hubs: [{ url: site.hubUrl, ca: "" }],
      bundles: [{ ...bundle, namespaces: ["*"] }],
      roles: { ...roles, head: { keys: ["head"], threshold: 1 } },
      head: { freshFor: "7d" },
    });
    const head = filesOf("head.json", signedHead({ root: 2, newest: { pos: [1, 1] } }, keys.head));
    site.commit("trust", { ...filesOf("root/2.json", root), ...head }, "root 2 and a head");
    const record = signedSite({ number: 2, root: 2, labels: { ring: "new" } });
    site.commit(recordBranch(sha256Hex(Buffer.from("s-1"))), filesOf("sites/s-1.json", record), "s-1 anew");
    const strange = signedBundle({ seq: 2 }, V1, { pos: keys.stranger });
    const files = Object.fromEntries([...strange.files].map(([path, bytes]) => [`files/${path}`, bytes]));
    site.commit("bundles/pos", { ...filesOf("bundle.json", strange.document), ...files }, "1.1.0");
    lives.begin();
    await untilHolds("all three are told of", lives, () => {
      const newest = site.reports.at(-1);
      return newest?.root === 2 && newest.record === 2 && newest.head === 1;
    });
    await untilHolds("the version is refused", lives, () => toldBy(site, from).times("refused") > 0);
    await untilSettled(stage, 1, V1);
    const held = [
      "SELECT max(number) AS n FROM roots",
      "SELECT max(number) AS n FROM records",
      "SELECT count(*) AS n FROM head",
    ];
    const numbers = held.flatMap((sql) => read<{ n: number }>(site, sql)).map(({ n }) => n);
    const told = toldBy(site, from);
    const times = told.times("refused", { digest: strange.digest });
    const refused = times === 1 ? [] : [`the refusal was told ${times} times`];
    return [...told.lost, ...refused, ...(numbers.join() === "2,2,1" ? [] : [`it holds ${numbers.join()}`])];
  },
});
