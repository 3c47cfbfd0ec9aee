import type { SeenRun, Snapshot } from "../../hub/api/snapshot.ts";
import type { FleetMember } from "../../hub/registry/site.ts";
import type { StoredEvent } from "../../hub/registry/store.ts";
import type { Because } from "../../hub/rollout/because.ts";
import type { Run, SiteProgress } from "../../hub/rollout/run.ts";
import { Sites } from "../../hub/rollout/sites.ts";
import type { Diff } from "../../shared/diff.ts";
import type { SiteEvent } from "../../shared/event.ts";
import { rfc3339 } from "../../shared/names.ts";
import type { Outcome } from "../../shared/rollout.ts";
import { seen, siteOf } from "../hub/api/sample.ts";
import { digestOf, memberOf, NOBODY_AWAY, some, specOf, targetOf } from "../hub/rollout/samples.ts";
import { rootDocument } from "../support/fleet.ts";

/** Scenes of one fleet of shops, as the hub would show them. */

const ROOT = rootDocument({ number: 3 });
const REGIONS = ["north", "south", "west"];

export interface Shop {
  id: string;
  labels: Record<string, string>;
}

export const SHOPS: readonly Shop[] = Array.from({ length: 26 }, (_, index) => ({
  id: `s-${String(index + 1).padStart(4, "0")}`,
  labels: { region: REGIONS[index % 3] ?? "", ring: index < 2 ? "lab" : index < 8 ? "canary" : "shop" },
}));

/** What a site does in the scene; the rest have pos 1.1.0 and are healthy. */
export type Doing = "runs2" | "applying" | "verifying" | "failed" | "refused" | "unhealthy" | "offline" | "never";

export const short = (number: number) => digestOf(number).slice(0, 32);

export function memberFor({ id, labels }: Shop, doing: Doing | undefined, now: number): FleetMember {
  const more = { labels, now, run: "pos-2f81c0" };
  switch (doing) {
    case undefined:
      return siteOf(id, { digest: short(1) }, more);
    case "runs2":
      return siteOf(id, { digest: short(2), since: rfc3339(now - 400_000), healthyFor: 380 }, { ...more, assigned: 2 });
    case "applying":
    case "verifying": {
      const waitingOn =
        doing === "applying" ? "Job shop/migrate-4 has not completed" : "Deployment shop/till: 1 of 2 ready";
      const objects = { total: 12, healthy: doing === "applying" ? 4 : 11, drifted: 0 };
      const item = { digest: short(2), state: doing, since: rfc3339(now - 42_000), healthyFor: 0, objects, waitingOn };
      return siteOf(id, item, { ...more, assigned: 2 });
    }
    case "failed": {
      const failed = { digest: short(2), code: "unhealthy" } as const;
      return siteOf(id, { digest: short(1), state: "reverted", failed }, { ...more, assigned: 2 });
    }
    case "refused": {
      const member = siteOf(id, { digest: short(1) }, more);
      const body = member.site.report?.body;
      if (body !== undefined) body.refused = [{ bundle: "kiosk", digest: short(9), code: "threshold" }];
      return member;
    }
    case "unhealthy":
      return siteOf(id, { digest: short(1), objects: { total: 12, healthy: 10, drifted: 1 } }, more);
    case "offline":
      return siteOf(id, { digest: short(1) }, { ...more, site: { presence: "offline", heardAt: now - 7_800_000 } });
    case "never":
      return memberOf(id, labels);
  }
}

const WAVES = ["lab", "canary", "rest"];

/** A run of pos 1.2.0 over all shops; those not named are pending, or not asked. */
export function runFor(outcomes: Readonly<Record<string, Outcome>>, phase: Run["phase"], now: number): Run {
  const waveOf = ({ labels }: Shop) => (labels["ring"] === "lab" ? 0 : labels["ring"] === "canary" ? 1 : 2);
  const since = now - 42_000;
  return {
    id: "pos-2f81c0",
    rollout: "pos",
    commit: "2f81c04be7f0ab2f6d6c9b0e7a5dc1f3a2b4c6d8",
    spec: specOf({ site: { reportEvery: "60s" } }),
    target: targetOf(2),
    plan: {
      seed: "seed",
      waves: WAVES.map((name, wave) => ({
        name,
        sites: SHOPS.flatMap((shop) => (waveOf(shop) === wave ? [shop.id] : [])),
        soakSeconds: wave === 2 ? 0 : 600,
        success: wave === 0 ? "100%" : "98%",
      })),
      left: [{ site: "s-0099", code: "record", why: "its signed record does not list pos" }],
      doubly: [],
    },
    startedAt: now - 1_260_000,
    phase,
    sites: Sites.of(
      SHOPS.map((shop): [string, SiteProgress] => {
        const outcome = outcomes[shop.id] ?? "pending";
        const code = outcome === "reverted" ? "unhealthy" : null;
        return [shop.id, { wave: waveOf(shop), outcome, since, assignedAt: since, dueAt: null, code }];
      }),
    ),
    back: false,
  };
}

function scene(doing: Readonly<Record<string, Doing>>, runs: readonly SeenRun[], now: number): Snapshot {
  const members = SHOPS.map((shop) => memberFor(shop, doing[shop.id], now));
  return { fleet: "shops", now, root: ROOT, members, runs: [older(now), ...runs], rollouts: [], bundles: new Map() };
}

function older(now: number): SeenRun {
  const run = {
    ...runFor({}, { kind: "completed", at: now - 90_000_000 }, now - 90_000_000),
    id: "base-1b22d0",
    rollout: "base",
    target: { ...targetOf(1), bundle: "base" },
  };
  const sites = Sites.of([...run.sites].map(([id, site]) => [id, { ...site, outcome: "succeeded" as const }]));
  return seen({ ...run, sites }, { kind: "completed", healthy: 26, of: 26, behind: some("pending") });
}

const DONE = { "s-0001": "succeeded", "s-0002": "succeeded" } as const;
const RUN2 = { "s-0001": "runs2", "s-0002": "runs2" } as const;

/** The canary wave is moving; one site of it is away. */
export function rolling(now: number): Snapshot {
  const phase = { kind: "rolling", wave: 1, step: "opening", since: now - 42_000 } as const;
  const run = runFor(
    {
      ...DONE,
      "s-0003": "succeeded",
      "s-0004": "succeeded",
      "s-0005": "applying",
      "s-0006": "verifying",
      "s-0007": "offline",
      "s-0008": "notified",
    },
    phase,
    now,
  );
  const because: Because = {
    kind: "moving",
    wave: "canary",
    healthy: 2,
    of: 5,
    needed: 5,
    waitingFor: {
      count: 3,
      first: [
        { site: "s-0005", outcome: "applying", code: null },
        { site: "s-0006", outcome: "verifying", code: null },
        { site: "s-0008", outcome: "notified", code: null },
      ],
    },
    ...NOBODY_AWAY,
    offline: some("offline", "s-0007"),
  };
  const doing = {
    ...RUN2,
    "s-0003": "runs2",
    "s-0004": "runs2",
    "s-0005": "applying",
    "s-0006": "verifying",
    "s-0007": "offline",
    "s-0019": "offline",
  } as const;
  return scene(doing, [seen(run, because)], now);
}

/** All but the one that is away are healthy, and the gate waits for the soak. */
export function soaking(now: number): Snapshot {
  const before = rolling(now);
  const ids = ["s-0003", "s-0004", "s-0005", "s-0006", "s-0008"];
  const outcomes = {
    ...DONE,
    ...Object.fromEntries(ids.map((id) => [id, "succeeded" as const])),
    "s-0007": "offline",
  } as const;
  const run = runFor(outcomes, { kind: "rolling", wave: 1, step: "soaking", since: now - 380_000 }, now);
  const because: Because = {
    kind: "soaking",
    wave: "canary",
    healthy: 5,
    of: 5,
    needed: 5,
    shortestSeconds: 380,
    soakSeconds: 600,
    waitingFor: some("pending"),
    ...NOBODY_AWAY,
    offline: some("offline", "s-0007"),
  };
  const doing = {
    ...RUN2,
    ...Object.fromEntries(ids.map((id) => [id, "runs2" as const])),
    "s-0007": "offline",
    "s-0019": "offline",
  } as const;
  return { ...scene(doing, [seen(run, because)], now), rollouts: before.rollouts };
}

/** The same, prepared: 5,000 shops with three diffs, one of which the cluster would refuse. */
export function prepared(now: number): Snapshot {
  const before = soaking(now);
  const row = (code: "kube" | null, char: string, sites: number, ...ids: string[]) => {
    return { code, diff: char.repeat(32), sites, first: ids };
  };
  const rows = [
    row("kube", "c", 12, "s-0007"),
    row(null, "a", 4_800, "s-0001", "s-0002"),
    row(null, "b", 188, "s-0003"),
  ];
  const preview = { rows, more: 0, sites: 5_000 };
  return {
    ...before,
    runs: before.runs.map((seen, index, { length }) => (index < length - 1 ? seen : { ...seen, preview })),
  };
}

/** By hash, as the hub stores it of a run. */
export const DIFF: Diff = {
  objects: [
    { object: "apps/v1 Deployment shop/old-till", action: "delete" },
    { object: "v1 ConfigMap shop/rates", action: "create", fields: [{ path: "/data/region", to: "${REGION}" }] },
    {
      object: "apps/v1 Deployment shop/till",
      action: "change",
      fields: [
        { path: "/spec/template/spec/containers[name=till]/image", from: '"till:1.1.0"', to: '"till:1.2.0"' },
        { path: "/spec/replicas", from: "1", to: "2" },
      ],
      warnings: ['would violate PodSecurity "restricted:latest": runAsNonRoot != true'],
    },
  ],
  unchanged: 9,
};

/** Two canaries went back by themselves, and the run stands still; elsewhere a site is unhealthy, another unknown. */
export function paused(now: number): Snapshot {
  const failed = ["s-0005", "s-0006"].map((site) => ({ site, outcome: "reverted", code: "unhealthy" }) as const);
  const why = { kind: "failures", wave: "canary", failed, ended: 4, over: "2%" } as const;
  const run = runFor(
    {
      ...DONE,
      "s-0003": "succeeded",
      "s-0004": "succeeded",
      "s-0005": "reverted",
      "s-0006": "reverted",
      "s-0007": "offline",
    },
    { kind: "paused", because: why, resume: { wave: 1 }, since: now - 8_000 },
    now,
  );
  const doing = {
    ...RUN2,
    "s-0003": "runs2",
    "s-0004": "runs2",
    "s-0005": "failed",
    "s-0006": "failed",
    "s-0007": "offline",
    "s-0012": "refused",
    "s-0019": "offline",
    "s-0021": "unhealthy",
    "s-0026": "never",
  } as const;
  const refused = 'schema: unknown key "wavs" (rollouts/kiosk.yaml:4); did you mean waves?';
  return {
    ...scene(doing, [seen(run, { kind: "paused", why })], now),
    rollouts: [{ name: "kiosk", commit: "2f81c04", sha256: "00".repeat(32), version: null, refused }],
  };
}

/** Nothing to do: every site runs what it should. */
export function calm(now: number): Snapshot {
  return scene({ "s-0019": "offline" }, [], now);
}

/** As many sites as `count`, in more states than one. */
export function crowd(count: number, now: number): Snapshot {
  const members = Array.from({ length: count }, (_, index) => {
    const shop = {
      id: `s-${String(index + 1).padStart(5, "0")}`,
      labels: { region: REGIONS[index % 3] ?? "", ring: "shop" },
    };
    const doing =
      index % 97 === 0 ? "failed" : index % 31 === 0 ? "offline" : index % 11 === 0 ? "verifying" : undefined;
    return memberFor(shop, doing, now);
  });
  return { ...calm(now), members };
}

export function eventsFor(now: number): StoredEvent[] {
  const digest = short(2);
  const list: [site: string, secondsAgo: number, event: Partial<SiteEvent> & Pick<SiteEvent, "kind">][] = [
    ["s-0005", 9, { kind: "reverted", bundle: "pos", digest: short(1), words: "healthy again on what was committed" }],
    [
      "s-0005",
      31,
      {
        kind: "failed",
        bundle: "pos",
        digest,
        code: "unhealthy",
        object: "apps/v1 Deployment shop/till",
        words: "0 of 2 replicas ready at the deadline",
      },
    ],
    [
      "",
      64,
      { kind: "refused", code: "schema", words: 'rollouts/kiosk.yaml:4: unknown key "wavs"; did you mean waves?' },
    ],
    ["s-0012", 75, { kind: "refused", bundle: "kiosk", digest: short(9), code: "threshold" }],
    [
      "s-0021",
      118,
      { kind: "drift", bundle: "pos", object: "v1 ConfigMap shop/till", words: "edited by kubectl-edit, put right" },
    ],
    ["s-0003", 300, { kind: "committed", bundle: "pos", digest }],
    ["s-0003", 340, { kind: "applying", bundle: "pos", digest }],
    ["s-0009", 4000, { kind: "started", words: "<img src=x onerror=\"document.title='broken'\">" }],
  ];
  return list.map(([site, secondsAgo, event], index) => {
    const at = now - secondsAgo * 1000;
    return { row: list.length - index, site, at, event: { number: 1, at: rfc3339(at), ...event } };
  });
}
