import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { namespace } from "../faults/till.ts";
import answers from "../golden/kube-errors/answers.json" with { type: "json" };
import { ask, type Cluster } from "../lab/demo/cluster.ts";
import { labClusters } from "../lab/demo/clusters.ts";
import { Undo } from "../lab/demo/undo.ts";
import { type GuardedSite, type Mood, slowAnswer, withoutAnswer } from "./guarded.ts";

/** An API server's wait for a webhook, ms: 10 s by default, 1 to 30 as its owner says. */
const TIMEOUT_MS = 1_500;

/** What stands before the lab's API server and does to it what a webhook does: refuses with the words recorded from a real one, or waits. */
async function guarded(): Promise<GuardedSite> {
  const undo = new Undo();
  onTestFinished(() => undo.all());
  const [lab] = (await labClusters(1, undo)) as [Cluster];
  let mood: Mood = "well";
  let calls = 0;
  const { port } = new URL(lab.server);
  const server = createServer((incoming, outgoing) => {
    const pass = () => {
      const { method, url: path, headers } = incoming;
      const forward = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
      });
      forward.on("error", () => outgoing.destroy());
      outgoing.on("close", () => forward.destroy());
      incoming.pipe(forward);
    };
    const isAsked = incoming.method === "PATCH" && /\/configmaps\/guarded-/.test(incoming.url ?? "");
    if (!isAsked || mood === "well") return pass();
    calls += 1;
    if (mood === "slow") return void setTimeout(pass, TIMEOUT_MS);
    const { status, contentType, body } = answers[mood === "down" ? "webhook down" : "webhook, slow"];
    setTimeout(
      () => outgoing.writeHead(status, { "content-type": contentType }).end(body),
      mood === "down" ? 0 : TIMEOUT_MS,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  undo.add(() => {
    server.closeAllConnections();
    server.close();
  });
  const cluster = { ...lab, server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  await ask(cluster, "POST", "/api/v1/namespaces", namespace(), "application/json");
  const guard = { be: async (next: Mood) => void (mood = next), calls: () => calls };
  return { cluster, namespace: "shop", guard };
}

const PATIENCE = { timeout: 240_000 };

it.each(["down", "silent"] as const)("a webhook that is %s", PATIENCE, async (mood) => {
  await withoutAnswer(await guarded(), mood);
});

it("a webhook that answers slowly", PATIENCE, async () => {
  const at = await guarded();
  await slowAnswer(at);
  expect(at.guard.calls()).toBeGreaterThan(0);
});
