import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { AppError } from "../../shared/errors.ts";
import { findBinaries } from "./binaries.ts";
import { useExistingCluster } from "./existing.ts";
import { etcdFlags } from "./flags.ts";
import { Processes } from "./processes.ts";
import { type SiteCluster, startSite } from "./site.ts";

export interface ControlPlane {
  sites: SiteCluster[];
  /** Path of what `sitesOfThisRun` reads; goes away with the rest. */
  sitesFile: string;
  /** One line for each leg that cannot run here, with its reason; empty where all can. */
  cannotRun: string[];
  /** URL of what all sites store in; null on a cluster that is not ours. */
  etcd: string | null;
  /** Name and process id of what runs now: `etcd`, `s1-kube-apiserver`, ... Empty on a cluster that is not ours. */
  running(): { name: string; pid: number }[];
  /** Keeps the state of all sites; what it gives puts that back, with their API servers started again. */
  keepState(): Promise<() => Promise<void>>;
  /** Ends everything that was started; resolves when it is gone. It also goes when this process ends in any way. */
  stop(): Promise<void>;
}

/**
 * Starts `sites` clusters on 127.0.0.1 that share one etcd, or, where SKERRY_TEST_KUBECONFIG is set, uses that cluster
 * as the only site. Logs and data go to `dir`, which then stays, or to a temporary folder, which does not.
 * Throws `AppError`: "config" where there are no binaries, "unreachable" with the end of its log where a component does
 * not come up. `dir` is to be empty or new.
 */
export async function startControlPlane(options: { sites: number; dir?: string }): Promise<ControlPlane> {
  const existing = process.env["SKERRY_TEST_KUBECONFIG"];
  if (existing !== undefined && existing !== "") {
    const { site, folder, leave } = await useExistingCluster(existing);
    const keepState = async () => {
      throw new AppError("unsupported", "the state of SKERRY_TEST_KUBECONFIG is not ours to put back");
    };
    return await planeOf([site], folder, { etcd: null, cannotRun: [], running: () => [], keepState, stop: leave });
  }
  const binaries = await findBinaries();
  if (options.dir !== undefined) await mkdir(options.dir, { recursive: true });
  const folder = options.dir ?? (await mkdtemp(path.join(os.tmpdir(), "skerry-k8s-")));
  const processes = new Processes(folder, options.dir !== undefined);
  try {
    const [clientPort = 0, peerPort = 0, ...ports] = await freePorts(options.sites + 2);
    const url = `http://127.0.0.1:${clientPort}`;
    const etcd = processes.start("etcd", binaries.etcd, etcdFlags(folder, clientPort, peerPort));
    await processes.until(etcd, "ready", 30, async () => await answers(`${url}/health`));
    const surroundings = { etcd: url, folder, binaries, processes };
    const sites = await Promise.all(ports.map((port, at) => startSite(`s${at + 1}`, { port, ...surroundings })));
    return await planeOf(sites, folder, {
      etcd: url,
      cannotRun: binaries.cannotRun,
      running: () => processes.running,
      keepState: async () => {
        const [data, kept] = [path.join(folder, "etcd"), path.join(folder, "etcd-kept")];
        const start = async () => {
          processes.restart(etcd);
          await processes.until(etcd, "ready", 30, async () => await answers(`${url}/health`));
        };
        await processes.kill(etcd);
        await cp(data, kept, { recursive: true });
        await start();
        return async () => {
          await Promise.all(sites.map(async (site) => await site.killApiServer()));
          await processes.kill(etcd);
          await rm(data, { recursive: true });
          await cp(kept, data, { recursive: true });
          await start();
          await Promise.all(sites.map(async (site) => await site.restartApiServer()));
        };
      },
      stop: async () => await processes.stop(),
    });
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

async function planeOf(
  sites: SiteCluster[],
  folder: string,
  rest: Omit<ControlPlane, "sites" | "sitesFile">,
): Promise<ControlPlane> {
  const sitesFile = path.join(folder, "sites.json");
  await writeFile(sitesFile, JSON.stringify(sites), { mode: 0o600 });
  return { sites, sitesFile, ...rest };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

/** All are held at the same time, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let at = 0; at < count; at++) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    servers.push(server);
  }
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new AppError("internal", "a TCP server without a port");
    return address.port;
  });
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
