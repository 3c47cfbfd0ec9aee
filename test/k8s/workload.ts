import { setTimeout as sleep } from "node:timers/promises";
import { ApiException, AppsV1Api, CoreV1Api, type KubeConfig, type V1Deployment } from "@kubernetes/client-node";
import { AppError } from "../../shared/errors.ts";
import { STUCK_LABEL, STUCK_VALUE } from "./stages.ts";

const SECONDS = 60;

/** A Deployment as the checks use it; `stuck`: its pods never become ready. Nothing pulls the image. */
export function deployment(name: string, replicas: number, image: string, stuck: boolean): V1Deployment {
  const labels: Record<string, string> = { app: name };
  if (stuck) labels[STUCK_LABEL] = STUCK_VALUE;
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image }] } },
    },
  };
}

export function apis(user: KubeConfig): { apps: AppsV1Api; core: CoreV1Api } {
  return { apps: user.makeApiClient(AppsV1Api), core: user.makeApiClient(CoreV1Api) };
}

/** A rollout is complete when every replica is of the newest template and available. */
export function isComplete({ spec, status, metadata }: V1Deployment): boolean {
  const replicas = spec?.replicas ?? 1;
  return (
    status?.observedGeneration === metadata?.generation &&
    status?.updatedReplicas === replicas &&
    status?.replicas === replicas &&
    status?.availableReplicas === replicas
  );
}

/** Asks until it holds; throws `AppError` "unreachable" after a minute. */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SECONDS * 1000;
  while (Date.now() < deadline) {
    if (await check()) return;
    await sleep(100);
  }
  throw new AppError("unreachable", `${what}: not so after ${SECONDS} s`);
}

/** Whether a read answers 404. */
export async function isGone(read: Promise<unknown>): Promise<boolean> {
  return await read.then(
    () => false,
    (error: unknown) => {
      if (error instanceof ApiException && error.code === 404) return true;
      throw error;
    },
  );
}
