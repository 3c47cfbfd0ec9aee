import { type BundleStatus, type Status, shown, spanOf, verdictOf } from "./status.ts";
import { waitsWords } from "./waiting.ts";

/** The status for a terminal. Only what there is to say. */
export function statusText(status: Status): string {
  const { fleet, site, agent, at, running, bundles, refusals } = status;
  const lines = [
    `${verdictOf(status).words}.`,
    "",
    ...aligned([
      ["site", `${site} of ${fleet}`],
      [
        "agent",
        running === null ? `${agent}; does not run: this is what lies on its disk` : `${agent}, since ${running.since}`,
      ],
      ...facts(status),
      ["as of", running?.synced === false ? `${at} by a clock that is not known to be right` : at],
    ]),
    ...bundles.flatMap((bundle) => ["", ...bundleLines(bundle)]),
  ];
  if (refusals.length > 0) lines.push("", "refused");
  for (const { bundle, code, words, at: when } of refusals)
    lines.push(`  ${when} ${bundle === "" ? "" : `${bundle} `}${code}: ${words}`);
  return lines.map((line) => `${shown(line)}\n`).join("");
}

/** What page and terminal say alike. */
export function facts(status: Status): [string, string][] {
  const { hub, root, record, head, retired, withheld, assignment, held, sources, outbox } = status;
  const found: [string, string][] = [];
  if (held !== null) {
    const { words, heldForSeconds, leftSeconds } = held;
    found.push(["held", `${words}, for ${spanOf(heldForSeconds)}; ${spanOf(leftSeconds)} left at most`]);
  }
  if (hub !== null) {
    const heard = hub.heardAt === null ? "never heard of" : `last heard of at ${hub.heardAt}`;
    found.push(["hub", `${hub.url}, ${hub.connected ? "connected" : "not connected"}, ${heard}`]);
  }
  for (const { address, state } of sources) found.push(["source", `${address} ${SOURCE[state]}`]);
  if (withheld !== null) found.push(["news", `perhaps kept from this site since ${withheld}`]);
  const numbers = [
    root === null ? "no root" : `root ${root}`,
    record === null ? "no site record" : `site record ${record}${retired ? ", which retires this site" : ""}`,
    ...(head === null ? [] : [`head ${head}`]),
    ...(assignment === null ? [] : [`orders ${assignment.join(".")}`]),
  ];
  found.push(["has", numbers.join(", ")]);
  if (outbox > 0) found.push(["to tell", `${outbox} ${outbox === 1 ? "event" : "events"} that no hub has confirmed`]);
  return found;
}

const SOURCE = {
  well: "can be read",
  unreachable: "cannot be reached",
  "set-aside": "lies, and is set aside",
} as const;

function bundleLines(bundle: BundleStatus): string[] {
  const { version, state, since, wanted, waitingOn } = bundle;
  const head =
    version === null ? `${bundle.bundle} does not run` : `${bundle.bundle} ${version}, ${state} since ${since}`;
  return [
    head,
    ...aligned([
      ...(wanted === null ? [] : [["wanted", wanted]]),
      ...(waitingOn === null ? [] : [["waits", waitsWords(waitingOn)]]),
      ...details(bundle),
    ] as [string, string][]),
  ];
}

export function details({ objects, version, committed, previous, failed, marks }: BundleStatus): [string, string][] {
  const found: [string, string][] = [];
  if (objects !== null) {
    const drifted = objects.drifted === 0 ? "" : `, ${objects.drifted} not as they should be`;
    found.push(["objects", `${objects.healthy} of ${objects.total} healthy${drifted}`]);
  }
  if (committed !== null && committed !== version) found.push(["committed", committed]);
  if (previous !== null) found.push(["before that", previous]);
  for (const { version: gone, code } of failed) found.push(["failed here", `${gone} (${code})`]);
  if (marks !== null) found.push(["marks", `${marks.pair.join(".")}, floor ${marks.floor.join(".")}`]);
  return found;
}

function aligned(rows: readonly (readonly [string, string])[]): string[] {
  return rows.map(([name, words]) => `  ${name.padEnd(12)} ${words}`);
}
