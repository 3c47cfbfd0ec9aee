import type { BundleStatus, Status } from "../../../agent/local/status.ts";

export function bundleAt(changes: Partial<BundleStatus> = {}): BundleStatus {
  return {
    bundle: "pos",
    version: "1.4.2",
    state: "committed",
    since: "2026-11-02T08:00:00Z",
    objects: { total: 12, healthy: 12, drifted: 0 },
    wanted: null,
    waitingOn: null,
    committed: "1.4.2",
    previous: "1.4.1",
    failed: [],
    marks: { pair: [1, 7], floor: [1, 6] },
    ...changes,
  };
}

export function siteAt(changes: Partial<Status> = {}): Status {
  return {
    fleet: "shops",
    site: "s-0017",
    agent: "0.1.0",
    at: "2026-11-02T10:00:00Z",
    running: { since: "2026-11-01T10:00:00Z", synced: true },
    hub: { url: "mqtt://hub.example.com:1883", connected: true, heardAt: "2026-11-02T09:59:30Z" },
    root: 2,
    record: 3,
    head: 5,
    retired: false,
    withheld: null,
    assignment: [1, 4],
    held: null,
    sources: [{ address: "https://git.example.com/fleet.git", state: "well" }],
    sourcedAt: "2026-11-02T09:58:00Z",
    outbox: 0,
    bundles: [bundleAt()],
    refusals: [],
    ...changes,
  };
}

const HOSTILE = `<img src=x onerror=alert(1)>"'&\u202e`;

/** What a person at a site may have to look at, by name. */
export const SCENES: Readonly<Record<string, Status>> = {
  well: siteAt(),
  held: siteAt({
    held: { words: "stock-taking (command)", heldForSeconds: 5_400, leftSeconds: 1_800 },
    bundles: [bundleAt({ wanted: "1.5.0", waitingOn: "held: stock-taking (command)" })],
  }),
  sick: siteAt({
    hub: { url: "mqtt://hub.example.com:1883", connected: false, heardAt: null },
    running: { since: "2026-11-01T10:00:00Z", synced: false },
    sources: [
      { address: "https://git.example.com/fleet.git", state: "unreachable" },
      { address: "/mnt/stick", state: "set-aside" },
    ],
    withheld: "2026-10-30T00:00:00Z",
    retired: true,
    outbox: 14,
    bundles: [
      bundleAt({
        state: "reverted",
        version: "1.4.1",
        wanted: "1.5.0",
        waitingOn: "failed-before",
        objects: { total: 12, healthy: 11, drifted: 1 },
        failed: [{ version: "1.5.0", code: "unhealthy" }],
      }),
      bundleAt({
        bundle: "base",
        version: null,
        state: "absent",
        since: null,
        objects: null,
        wanted: "2.0.0",
        waitingOn: "not-on-disk",
        committed: null,
        previous: null,
        marks: null,
      }),
    ],
    refusals: [
      {
        bundle: "pos",
        code: "threshold",
        words: "1 of 2 keys that the delegation pos* asks for signed it",
        at: "2026-11-02T07:00:00Z",
      },
    ],
  }),
  empty: siteAt({ root: null, record: null, head: null, assignment: null, hub: null, bundles: [], sources: [] }),
  hostile: siteAt({
    held: { words: `${HOSTILE} (file)`, heldForSeconds: 1, leftSeconds: 1 },
    bundles: [bundleAt({ waitingOn: HOSTILE })],
    refusals: [{ bundle: "pos", code: "schema", words: HOSTILE, at: "2026-11-02T07:00:00Z" }],
  }),
};
