import type { Snapshot } from "../../hub/api/snapshot.ts";
import type { FleetMember } from "../../hub/registry/site.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { ReportItem } from "../../shared/report.ts";
import { seen, siteOf } from "../hub/api/sample.ts";
import { some } from "../hub/rollout/samples.ts";
import { rootDocument } from "../support/fleet.ts";
import { calm, runFor, short } from "./scene.ts";

/** A scene in which nothing fails but one refusal, and much should be known: what the root, the heads and the records say. */
export function doubtful(now: number): Snapshot {
  const before = calm(now);
  const run = runFor({ "s-0012": "ahead", "s-0014": "ineligible" }, { kind: "completed", at: now - 60_000 }, now);
  const bundles = [{ pattern: "pos*", keys: ["pos"], threshold: 1, epoch: 2, namespaces: ["shop"], kinds: ["*"] }];
  return {
    ...before,
    root: rootDocument({ number: 3, bundles }),
    members: before.members.map((member) => CHANGES[member.id]?.(member, now) ?? member),
    runs: [...before.runs, seen(run, { kind: "completed", healthy: 24, of: 24, behind: some("pending") })],
  };
}

const withheldFor = 200_000_000;
const words = "1 of 2 needed signatures by bundles kiosk (bundle.json)";

const CHANGES: Readonly<Record<string, (member: FleetMember, now: number) => FleetMember>> = {
  "s-0003": (member, now) => with7(running(member, {}, now)),
  "s-0005": (member, now) => {
    const site = with7(running(member, {}, now));
    const body = site.site.report?.body;
    if (body !== undefined) body.withheld = rfc3339(now - withheldFor);
    return site;
  },
  "s-0008": (member, now) => running(member, { flags: ["key-left"] }, now),
  "s-0009": (member, now) => running(member, { flags: ["epoch"] }, now),
  "s-0012": (member, now) => running(member, { digest: short(3) }, now),
  // It failed before it was retired: nobody has to look at that any more.
  "s-0014": (member, now) => ({
    ...running(member, { state: "stuck" }, now),
    barred: "its site record says that it is retired",
    retired: true,
  }),
  "s-0017": (member) => ({ ...member, barred: "its site record does not hold under root 3: threshold" }),
  "s-0020": (member, now) => {
    const refused = running(member, {}, now);
    const body = refused.site.report?.body;
    if (body !== undefined) body.refused = [{ bundle: "kiosk", digest: short(9), code: "threshold" }];
    return { ...refused, site: { ...refused.site, refusals: [{ bundle: "kiosk", digest: short(9), words }] } };
  },
};

function running({ id, labels }: FleetMember, item: Partial<ReportItem>, now: number): FleetMember {
  return siteOf(id, { digest: short(1), ...item }, { labels, now });
}

function with7(member: FleetMember): FleetMember {
  const body = member.site.report?.body;
  if (body !== undefined) body.head = 7;
  return member;
}

/** What the page counts first of all. */
export const NEEDED = [
  /1 site gave up or refused a version\s*s-0020/,
  /1 site given nothing new: the root does not stand behind the record\s*s-0017/,
  /1 site perhaps kept from news\s*s-0005/,
  /2 sites running on what would not be accepted anew\s*s-0008, s-0009/,
  /1 site ahead of a run, and left alone by it\s*s-0012/,
];

/** What it says at the site. */
export const TOLD: readonly [site: string, words: RegExp][] = [
  ["s-0003", /up to date \(head 7\)/],
  ["s-0005", /news possibly withheld since \d{4}-\d\d-\d\d \d\d:\d\d UTC/],
  ["s-0008", /signed by a key that left the root; runs on/],
  ["s-0009", /below the delegation's epoch 2; runs on/],
  ["s-0012", /ahead of 1\.2\.0, which run pos-2f81c0 brings: left alone/],
  ["s-0014", /^s-0014\s+retired/],
  ["s-0017", /gets nothing new: its site record does not hold under root 3/],
  ["s-0020", /refuses \w+: threshold, 1 of 2 needed signatures by bundles kiosk/],
];
