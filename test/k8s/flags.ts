import path from "node:path";

/** Flags alone; everything listens on 127.0.0.1, and the ports and files are the caller's. */

export function etcdFlags(folder: string, clientPort: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${path.join(folder, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

export interface ApiServerFiles {
  /** The server's self-signed certificate and key appear here at its first start and are used again at the next. */
  certificates: string;
  tokens: string;
  serviceAccountKey: string;
}

/** `prefix` keeps the sites apart on one etcd. */
export function apiServerFlags(port: number, etcd: string, prefix: string, files: ApiServerFiles): string[] {
  return [
    `--etcd-servers=${etcd}`,
    `--etcd-prefix=${prefix}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    // A loopback address is not allowed as an endpoint of the Service "kubernetes", and nothing here uses that Service.
    "--endpoint-reconciler-type=none",
    `--secure-port=${port}`,
    `--cert-dir=${files.certificates}`,
    "--authorization-mode=RBAC",
    `--token-auth-file=${files.tokens}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.serviceAccountKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--profiling=false",
  ];
}

export function controllerManagerFlags(kubeconfig: string, caFile: string, serviceAccountKey: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--root-ca-file=${caFile}`,
    `--service-account-private-key-file=${serviceAccountKey}`,
    "--leader-elect=false",
    // No port of its own.
    "--secure-port=0",
    // kwok's nodes say that they live each 51 s and hold no lease; at 50 s they and all their pods would be taken for gone.
    "--node-monitor-grace-period=10m",
    "--kube-api-qps=200",
    "--kube-api-burst=400",
  ];
}

export function schedulerFlags(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--secure-port=0"];
}

export function kwokFlags(kubeconfig: string, stages: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, `--config=${stages}`, "--manage-all-nodes=true", "--node-ip=127.0.0.1"];
}
