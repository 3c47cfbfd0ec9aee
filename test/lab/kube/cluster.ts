import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Catalog, kindNamed } from "./catalog.ts";
import { Faults } from "./faults.ts";
import { runGarbageCollector } from "./garbage.ts";
import { labServer } from "./http.ts";
import { runJobs } from "./jobs.ts";
import { runKubelet } from "./kubelet.ts";
import { Loop } from "./loop.ts";
import type { Forbid } from "./rbac.ts";
import { Resources } from "./resources.ts";
import { runDeployments } from "./rollout.ts";
import { runSets } from "./sets.ts";
import { Store } from "./store.ts";
import { runTenancy } from "./tenancy.ts";
import { Watches } from "./watch.ts";

export interface LabOptions {
  /** 0, the default: any free one. Always on 127.0.0.1. */
  port?: number;
  /** Of user `skerry`; made up where not given. */
  token?: string;
  /** Further users by token. */
  users?: Record<string, string>;
  forbid?: readonly Forbid[];
  /** Milliseconds until a pod is ready or done, or sick. Default 50. */
  podDelayMs?: number;
  /** Milliseconds until a definition's kinds are served. Default 20. */
  establishMs?: number;
  /** Milliseconds between bookmarks. Default a minute. */
  bookmarkMs?: number;
  /** How many changes a watch can go back. Default 10000. */
  history?: number;
  now?: () => Date;
}

/** How many requests came for each verb (`get`, `list`, `watch`, `patch` ... and `discovery`), refused ones too. */
export interface LabState {
  requests: Record<string, number>;
  openWatches: number;
  resourceVersion: string;
}

export interface LabCluster {
  /** `http://127.0.0.1:NNNN` */
  server: string;
  token: string;
  faults: Faults;
  /** May be changed while it runs. */
  forbid: Forbid[];
  state(): LabState;
  /** Ends all watches cleanly. */
  closeWatches(): void;
  /** No resourceVersion given out so far can be resumed: 410. */
  forgetHistory(): void;
  stop(): Promise<void>;
}

export async function startLabCluster(options: LabOptions = {}): Promise<LabCluster> {
  const now = options.now ?? (() => new Date());
  const store = new Store(options.history ?? 10_000);
  const catalog = new Catalog();
  const resources = new Resources(store, catalog, now);
  const watches = new Watches(store, options.bookmarkMs ?? 60_000);
  const faults = new Faults(() => watches.silence());
  const forbid = [...(options.forbid ?? [])];
  const requests: Record<string, number> = {};
  const token = options.token ?? randomBytes(16).toString("hex");
  const users = new Map([...Object.entries(options.users ?? {}), [token, "skerry"]]);

  const loop = new Loop(resources);
  runKubelet(loop, resources, options.podDelayMs ?? 50);
  runDeployments(loop, resources);
  runSets(loop, resources);
  runJobs(loop, resources);
  runTenancy(loop, resources, {
    establish: options.establishMs ?? 20,
    onDefined: (resource) => watches.close(resource),
  });
  const stopCollector = runGarbageCollector(resources);
  for (const name of ["default", "kube-system"]) {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    resources.create(kindNamed("namespaces"), "", namespace, {
      manager: "kube-apiserver",
      subresource: "",
      dryRun: false,
    });
  }

  const state = (): LabState => ({
    requests: { ...requests },
    openWatches: watches.size,
    resourceVersion: String(store.revision),
  });
  const closeWatches = (): void => watches.close();
  const forgetHistory = (): void => store.forget();
  const served = (verb: string): void => {
    requests[verb] = (requests[verb] ?? 0) + 1;
  };
  const isSilent = (): boolean => faults.current().silentWatches;
  const server = labServer(
    { resources, catalog, watches, forbid, isSilent, served },
    { faults, state: () => ({ ...state() }), closeWatches, forgetHistory },
    users,
  );
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    server: `http://127.0.0.1:${port}`,
    token,
    faults,
    forbid,
    state,
    closeWatches,
    forgetHistory,
    stop: async () => {
      loop.stop();
      stopCollector();
      watches.close();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
