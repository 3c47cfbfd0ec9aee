import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../agent/apply/connect.ts";
import type { Kube } from "../../agent/apply/kube.ts";
import { Live } from "../../agent/observe/live.ts";
import { type JsonObject, type KubeObject, nameOf, refOf, unseenBecause } from "../../shared/live.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { fingerprint } from "../support/secrets.ts";
import { type ControlPlane, startControlPlane } from "./cluster.ts";
import type { SiteCluster } from "./site.ts";
import { adminOf } from "./sites.ts";

/**
 * The watched snapshot on a real API server that is killed, restarted, stopped in its tracks and put back to an earlier state. The agent's
 * 150 s without a sign of life are five here: what is not silent has bookmarks each minute, and a test in `agent/observe`.
 */
const FASTER = 30;
const clock = {
  ...systemClock,
  after: (ms: number, run: () => void) => systemClock.after(ms === 150_000 ? ms / FASTER : ms, run),
};
const OURS = { manager: "skerry", force: true, dryRun: false };
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const foreign = (process.env["SKERRY_TEST_KUBECONFIG"] ?? "") !== "";

let plane: ControlPlane;
let site: SiteCluster;
let admin: Kube & { close(): void };
let agent: Kube & { close(): void };
let live: Live;

function configMap(name: string, value: string): KubeObject {
  const metadata = { name, namespace: "watched", labels: { "skerry.dev/bundle": "pos" } };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { value } };
}
const apply = (name: string, value: string) => admin.apply(configMap(name, value), OURS);
const seen = (name: string) => live.view().objects.get(nameOf(refOf(configMap(name, ""))));
const isOf = async (name: string) => (await admin.get(refOf(configMap(name, ""))))?.metadata["resourceVersion"];
const unseen = () => unseenBecause(live.view(), refOf(configMap("a", "")));

function watching(kube: Kube): Live {
  const made = new Live({ kube, clock, random: Math.random, log: QUIET, onChange: () => {}, fingerprint });
  made.follow([refOf(configMap("a", ""))]);
  return made;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await holds()); await sleep(50)) {
    if (Date.now() > end) throw new Error(`not ${what}; ${unseen()}`);
  }
}
const isUpToDate = async (name: string) => seen(name)?.resourceVersion === (await isOf(name));

beforeAll(async () => {
  if (foreign) return;
  plane = await startControlPlane({ sites: 1 });
  site = plane.sites[0] as SiteCluster;
  admin = await connect({ kubeconfig: site.kubeconfig });
  agent = await connect({ kubeconfig: site.agentKubeconfig });
  await admin.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "watched" } }, OURS);
  await apply("a", "1");
  live = watching(agent);
  await until("seen", () => isUpToDate("a"));
});
afterAll(async () => {
  live?.close();
  agent?.close();
  admin?.close();
  await plane?.stop();
});

test.skipIf(foreign)("a server that is killed and started again: what happened after is seen", async () => {
  await site.restartApiServer();
  await until("writable", () =>
    apply("a", "2").then(
      () => true,
      () => false,
    ),
  );
  await until("seen again", () => isUpToDate("a"));
  expect(unseen()).toBeUndefined();
});

test.skipIf(foreign)("an agent that starts while the server is down sees all once it is up", async () => {
  await site.killApiServer();
  const late = watching(agent);
  await until("told why", () => /no answer/.test(unseenBecause(late.view(), refOf(configMap("a", ""))) ?? ""));
  await site.restartApiServer();
  await until("seen", () => late.view().objects.size > 0);
  late.close();
  await until("seen by the first too", () => unseen() === undefined);
});

test.skipIf(foreign)("a server that says nothing any more is noticed, and seen again when it speaks", async () => {
  const pid = plane.running().find(({ name }) => name.endsWith("kube-apiserver"))?.pid as number;
  process.kill(pid, "SIGSTOP");
  try {
    await until("noticed", () => unseen() !== undefined);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await until("writable", () =>
    apply("a", "3").then(
      () => true,
      () => false,
    ),
  );
  await until("seen again", () => isUpToDate("a"));
});

test.skipIf(foreign)("a cluster that is put back to an earlier state is seen as that", async () => {
  await apply("a", "before");
  await until("seen", () => isUpToDate("a"));
  const putBack = await plane.keepState();
  await until("writable", () =>
    apply("a", "after").then(
      () => true,
      () => false,
    ),
  );
  await apply("later", "1");
  await until("seen", async () => (await isUpToDate("a")) && (await isUpToDate("later")));
  const newer = seen("a")?.resourceVersion;
  await putBack();
  await until("seen as it was", async () => (await isUpToDate("a")) && seen("later") === undefined);
  expect(seen("a")?.resourceVersion).not.toBe(newer);
});

test.skipIf(foreign)("a definition whose schema changes ends its watch; what comes then is seen", async () => {
  const definition = (extra: object) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.watched.example" },
    spec: {
      group: "watched.example",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", properties: { size: { type: "integer" }, ...extra } } },
            },
          },
        },
      ],
    },
  });
  const { metadata } = configMap("thing", "");
  const thing = (spec: JsonObject): KubeObject => ({ apiVersion: "watched.example/v1", kind: "Thing", metadata, spec });
  await admin.apply(definition({}) as unknown as KubeObject, OURS);
  await until("served", () =>
    admin.apply(thing({ size: 1 }), OURS).then(
      () => true,
      () => false,
    ),
  );
  live.follow([refOf(thing({}))]);
  const version = async () => (await admin.get(refOf(thing({}))))?.metadata["resourceVersion"];
  const current = async () => live.view().objects.get(nameOf(refOf(thing({}))))?.resourceVersion === (await version());
  await until("seen", current);
  await admin.apply(definition({ colour: { type: "string" } }) as unknown as KubeObject, OURS);
  await until("taken", () =>
    admin.apply(thing({ colour: "red" }), OURS).then(
      () => true,
      () => false,
    ),
  );
  await until("seen again", current);
});

test.skipIf(foreign)("who may watch one namespace only sees that", async () => {
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch"] }];
  const rbac = "rbac.authorization.k8s.io/v1";
  const metadata = { name: "narrow", namespace: "watched" };
  await admin.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata }, OURS);
  await admin.apply({ apiVersion: rbac, kind: "Role", metadata, rules }, OURS);
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "narrow" };
  const subjects = [{ kind: "ServiceAccount", namespace: "watched", name: "narrow" }];
  await admin.apply({ apiVersion: rbac, kind: "RoleBinding", metadata, roleRef, subjects }, OURS);
  const core = adminOf(site).makeApiClient(CoreV1Api);
  const body = { spec: { audiences: [], expirationSeconds: 3600 } };
  const made = await core.createNamespacedServiceAccountToken({ namespace: "watched", name: "narrow", body });
  const tokenFile = join(dirname(site.caFile), "narrow.token");
  writeFileSync(tokenFile, made.status?.token ?? "");
  const narrow = await connect({ server: site.server, caFile: site.caFile, tokenFile });
  const own = watching(narrow);
  try {
    await until("seen", () => own.view().objects.size > 0 && own.view().unseen.size === 0);
  } finally {
    own.close();
    narrow.close();
  }
});
