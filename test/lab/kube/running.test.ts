import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../../shared/live.ts";
import { at, type Client, DEPLOYMENTS, startClient, until, workload } from "./client.ts";

let client: Client;
beforeAll(async () => {
  client = await startClient();
});
afterAll(() => client.cluster.stop());

const APPS = "/apis/apps/v1/namespaces/default";
const JOBS = "/apis/batch/v1/namespaces/default/jobs";
const PODS = "/api/v1/namespaces/default/pods";

async function reached(path: string, what: string, is: (body: JsonObject) => boolean): Promise<JsonObject> {
  return until(what, async () => {
    const { body } = await client.get(path);
    return is(body) ? body : null;
  });
}

function condition(body: JsonObject, type: string): JsonObject | undefined {
  const all = (at(body, "status", "conditions") ?? []) as JsonObject[];
  return all.find((one) => one["type"] === type);
}

function withImage(image: string, name: string, spec: JsonObject = {}): JsonObject {
  const wanted = workload("Deployment", name, spec);
  const containers = at(wanted, "spec", "template", "spec", "containers") as JsonObject[];
  for (const container of containers) container["image"] = image;
  return wanted;
}

test("a rollout goes through new replica sets to NewReplicaSetAvailable", async () => {
  const path = `${DEPLOYMENTS}/moving`;
  const isDone = (body: JsonObject): boolean =>
    at(body, "status", "observedGeneration") === at(body, "metadata", "generation") &&
    condition(body, "Progressing")?.["reason"] === "NewReplicaSetAvailable" &&
    at(body, "status", "updatedReplicas") === 3 &&
    at(body, "status", "replicas") === 3;
  await client.apply(path, withImage("registry.example/x:1", "moving", { replicas: 3 }));
  const first = await reached(path, "the first version", isDone);
  expect(condition(first, "Available")?.["status"]).toBe("True");
  await client.apply(path, withImage("registry.example/x:2", "moving", { replicas: 3 }));
  const second = await reached(path, "the second", (body) => at(body, "metadata", "generation") === 2 && isDone(body));
  expect(at(second, "metadata", "annotations", "deployment.kubernetes.io/revision")).toBe("2");
  const sets = at((await client.get(`${APPS}/replicasets?labelSelector=app%3Dmoving`)).body, "items") as JsonObject[];
  expect(sets.map((set) => at(set, "spec", "replicas")).toSorted()).toEqual([0, 3]);
  const pods = await reached(`${PODS}?labelSelector=app%3Dmoving`, "old pods gone", (body) => {
    return (at(body, "items") as JsonObject[]).length === 3;
  });
  expect(at(pods, "items", 0, "spec", "containers", 0, "image")).toBe("registry.example/x:2");
});

test("a stuck rollout keeps the old pods, and exceeds its deadline", async () => {
  const path = `${DEPLOYMENTS}/stuck`;
  const spec = { replicas: 2, progressDeadlineSeconds: 1 };
  await client.apply(path, workload("Deployment", "stuck", spec));
  await reached(path, "the good version", (body) => at(body, "status", "availableReplicas") === 2);
  await client.apply(path, workload("Deployment", "stuck", spec, { "skerry.dev/test": "stuck" }));
  const late = await reached(path, "the deadline", (body) => condition(body, "Progressing")?.["status"] === "False");
  expect(condition(late, "Progressing")?.["reason"]).toBe("ProgressDeadlineExceeded");
  expect(at(late, "status", "availableReplicas")).toBe(2);
  expect(at(late, "status", "unavailableReplicas")).toBe(1);
  await client.apply(path, workload("Deployment", "stuck", spec));
  const back = await reached(path, "the way back", (body) => {
    return condition(body, "Progressing")?.["reason"] === "NewReplicaSetAvailable";
  });
  expect(at(back, "status", "updatedReplicas")).toBe(2);
});

test("an image tag says crash: its pods are in CrashLoopBackOff, and never ready", async () => {
  const path = `${DEPLOYMENTS}/crashing`;
  await client.apply(path, withImage("registry.example/x:1.0-crash", "crashing", { replicas: 1 }));
  const pods = await reached(`${PODS}?labelSelector=app%3Dcrashing`, "its crash", (body) => {
    return at(body, "items", 0, "status", "containerStatuses", 0, "state", "waiting", "reason") === "CrashLoopBackOff";
  });
  expect(at(pods, "items", 0, "status", "phase")).toBe("Running");
  const { body } = await client.get(path);
  expect(condition(body, "Available")?.["status"]).toBe("False");
});

test("a StatefulSet's pods come in order, and are renewed", async () => {
  const path = `${APPS}/statefulsets/db`;
  const spec = (image: string): JsonObject => ({
    ...(withImage(image, "db", { replicas: 2, serviceName: "db" })["spec"] as JsonObject),
  });
  const set = (image: string): JsonObject => ({ ...workload("StatefulSet", "db"), spec: spec(image) });
  await client.apply(path, set("x:1"));
  const isDone = (body: JsonObject): boolean =>
    at(body, "status", "readyReplicas") === 2 &&
    at(body, "status", "updatedReplicas") === 2 &&
    at(body, "status", "currentRevision") === at(body, "status", "updateRevision") &&
    at(body, "status", "observedGeneration") === at(body, "metadata", "generation");
  const first = await reached(path, "both", isDone);
  const pods = at((await client.get(`${PODS}?labelSelector=app%3Ddb`)).body, "items") as JsonObject[];
  expect(pods.map((pod) => at(pod, "metadata", "name"))).toEqual(["db-0", "db-1"]);
  await client.apply(path, set("x:2"));
  const isNew = (body: JsonObject): boolean => at(body, "metadata", "generation") === 2 && isDone(body);
  const second = await reached(path, "both renewed", isNew);
  expect(at(second, "status", "updateRevision")).not.toBe(at(first, "status", "updateRevision"));
});

test("a DaemonSet runs once, on the one node", async () => {
  const path = `${APPS}/daemonsets/log`;
  await client.apply(path, workload("DaemonSet", "log"));
  const done = await reached(path, "its pod", (body) => at(body, "status", "numberAvailable") === 1);
  expect(done["status"]).toMatchObject({ desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberReady: 1 });
});

function job(name: string, spec: JsonObject = {}, labels: Record<string, string> = {}): JsonObject {
  const template = {
    metadata: { labels },
    spec: { restartPolicy: "Never", containers: [{ name: "main", image: "x:1" }] },
  };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: { template, ...spec } };
}

test("a Job completes", async () => {
  await client.apply(`${JOBS}/done`, job("done", { completions: 2, parallelism: 2 }));
  const done = await reached(`${JOBS}/done`, "its end", (body) => condition(body, "Complete") !== undefined);
  expect(done["status"]).toMatchObject({ succeeded: 2, ready: 0 });
  expect(at(done, "status", "completionTime")).toBeTypeOf("string");
});

test("a Job whose pods crash fails when its retries are used up", async () => {
  await client.apply(`${JOBS}/sick`, job("sick", { backoffLimit: 1 }, { "skerry.dev/test": "crash" }));
  const failed = await reached(`${JOBS}/sick`, "its end", (body) => condition(body, "Failed") !== undefined);
  expect(condition(failed, "Failed")?.["reason"]).toBe("BackoffLimitExceeded");
  expect(at(failed, "status", "failed")).toBe(2);
});

test("a Job goes when its time to live is over", async () => {
  await client.apply(`${JOBS}/brief`, job("brief", { ttlSecondsAfterFinished: 0 }));
  await until("it is gone", async () => ((await client.get(`${JOBS}/brief`)).code === 404 ? true : null));
});

test("a Job deleted without a policy leaves its pods; in the background it takes them along", async () => {
  for (const name of ["kept", "taken"]) {
    await client.apply(`${JOBS}/${name}`, job(name));
    await reached(`${JOBS}/${name}`, "its end", (body) => condition(body, "Complete") !== undefined);
  }
  const pods = async (name: string): Promise<number> => {
    const { body } = await client.get(`${PODS}?labelSelector=job-name%3D${name}`);
    return (body["items"] as JsonObject[]).length;
  };
  await client.send("DELETE", `${JOBS}/kept`);
  await client.send("DELETE", `${JOBS}/taken`, { propagationPolicy: "Background" });
  await until("both are gone", async () => {
    const { body } = await client.get(JOBS);
    const names = new Set((body["items"] as JsonObject[]).map((one) => at(one, "metadata", "name")));
    return names.has("kept") || names.has("taken") ? null : true;
  });
  await until("the pods too", async () => ((await pods("taken")) === 0 ? true : null));
  expect(await pods("kept")).toBe(1);
});

test("a DELETE with a body does not look at dryRun in the query, and really deletes", async () => {
  await client.apply(`${DEPLOYMENTS}/doomed`, workload("Deployment", "doomed", { replicas: 0 }));
  await client.send("DELETE", `${DEPLOYMENTS}/doomed?dryRun=All`);
  expect((await client.get(`${DEPLOYMENTS}/doomed`)).code).toBe(200);
  await client.send("DELETE", `${DEPLOYMENTS}/doomed?dryRun=All`, { propagationPolicy: "Background" });
  expect((await client.get(`${DEPLOYMENTS}/doomed`)).code).toBe(404);
});

test("a claim is bound", async () => {
  const path = "/api/v1/namespaces/default/persistentvolumeclaims/disk";
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  await client.apply(path, { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "disk" }, spec });
  const bound = await reached(path, "it is bound", (body) => at(body, "status", "phase") === "Bound");
  expect(at(bound, "status", "capacity")).toEqual({ storage: "1Gi" });
});
