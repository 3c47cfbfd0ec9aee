import { randomBytes } from "node:crypto";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Guard, type GuardedSite, type Mood, slowAnswer, withoutAnswer } from "../agent/guarded.ts";
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { clustersOf } from "../lab/demo/clusters.ts";
import { Undo } from "../lab/demo/undo.ts";
import { createAuthority } from "../lab/git/certificates.ts";
import { sitesOfThisRun } from "./sites.ts";

const WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
/** Seconds that the API server waits for it: 10 where nothing is said, 1 to 30. */
const TIMEOUT_S = 2;
const SLOW_MS = 1_200;

const undo = new Undo();
let cluster: Cluster;
beforeAll(async () => {
  const sites = await sitesOfThisRun();
  [cluster] = clustersOf(sites.slice(0, 1), undo) as [Cluster];
});
afterAll(() => undo.all());

/** A webhook of this process, about config maps of one namespace that ask for it. */
async function guarded(): Promise<GuardedSite> {
  const namespace = `trouble-${randomBytes(4).toString("hex")}`;
  const authority = createAuthority();
  const { key, cert } = authority.issue(["127.0.0.1"]);
  let mood: Mood = "well";
  let calls = 0;
  const sockets = new Set<Socket>();
  const review = createTlsServer({ key, cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      calls += 1;
      const { request: asked } = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } };
      const answer = {
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid: asked.uid, allowed: true },
      };
      const send = () => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
      setTimeout(send, mood === "slow" ? SLOW_MS : 0);
    });
  });
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
    if (mood === "slow" || mood === "well") return void review.emit("connection", socket);
    calls += 1;
    if (mood === "down") socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  undo.add(async () => {
    await ask(cluster, "DELETE", `${WEBHOOKS}/${namespace}`);
    await ask(cluster, "DELETE", `/api/v1/namespaces/${namespace}`);
    endAll();
    server.close();
  });
  const made = async (path: string, object: object) => {
    const { status, body } = await ask(cluster, "POST", path, object, "application/json");
    if (status >= 300 && status !== 409) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  };
  for (const name of [namespace, "skerry-system"])
    await made("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await made(WEBHOOKS, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: namespace },
    webhooks: [
      {
        name: "guard.trouble.example",
        clientConfig: {
          url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
          caBundle: Buffer.from(authority.ca).toString("base64"),
        },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] }],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        objectSelector: { matchLabels: { guarded: "yes" } },
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
        timeoutSeconds: TIMEOUT_S,
      },
    ],
  });
  const guard: Guard = {
    be: async (next) => {
      mood = next;
      endAll();
    },
    calls: () => calls,
  };
  // An API server takes up a new webhook within a second or so.
  const probe = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "probe", labels: { guarded: "yes" } } };
  const path = `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`;
  for (const end = Date.now() + 30_000; guard.calls() === 0; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const { body } = await ask(cluster, "POST", path, probe, "application/json");
    if (Date.now() > end) throw new Error(`the webhook is never asked: ${JSON.stringify(body)}`);
  }
  return { cluster, namespace, guard };
}

describe("a whole agent beside a webhook of a real server", { timeout: 240_000 }, () => {
  it.each(["down", "silent"] as const)("that is %s", async (mood) => {
    await withoutAnswer(await guarded(), mood);
  });

  it("that answers slowly", async () => {
    const at = await guarded();
    await slowAnswer(at);
    expect(at.guard.calls()).toBeGreaterThan(0);
  });
});
