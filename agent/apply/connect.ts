import { readFileSync, statSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";
import { AppError } from "../../shared/errors.ts";
import type { Kube } from "./kube.ts";
import { RestKube } from "./rest.ts";
import type { Limits } from "./rest-exchange.ts";
import { type Access, Transport } from "./rest-transport.ts";

/** Of a pod's service account, what is not given. `kubeconfig` is a path; its current context counts. */
export type KubeSettings =
  | { server?: string | undefined; tokenFile?: string | undefined; caFile?: string | undefined }
  | { kubeconfig: string };

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const MIB = 1024 * 1024;
/** Longer than an API server waits for a webhook (30 s at most) and takes for a write (34 s): its words say more than our silence. */
const ANSWER_MS = 40_000;

/**
 * Port `kube` on the API server that `settings` name. No request is made yet.
 * Throws `AppError` `config` for files that cannot be read or used. `close` breaks open requests and watches off.
 */
export async function connect(
  settings: KubeSettings,
  limits: Limits = { timeout: ANSWER_MS, body: 64 * MIB },
): Promise<Kube & { close(): void }> {
  const access = "kubeconfig" in settings ? await fromKubeconfig(settings.kubeconfig) : fromFiles(settings);
  await access.credentials();
  const transport = new Transport(access, limits);
  return Object.assign(new RestKube(transport), { close: () => transport.close() });
}

function fromFiles(settings: Exclude<KubeSettings, { kubeconfig: string }>): Access {
  const server = serverUrl(settings.server ?? ownCluster());
  const token = reread(settings.tokenFile ?? `${ACCOUNT}/token`);
  const ca = contextOf(reread(settings.caFile ?? `${ACCOUNT}/ca.crt`));
  return {
    server,
    credentials: async () => ({
      headers: { authorization: `Bearer ${token().trim()}` },
      tls: server.protocol === "https:" ? { secureContext: ca() } : {},
    }),
  };
}

/** By address: a name would need the cluster's DNS, which is itself a workload that may be down. */
function ownCluster(): string {
  const host = process.env["KUBERNETES_SERVICE_HOST"];
  if (host === undefined) {
    throw new AppError("config", "no Kubernetes API server is named, and this is no pod of a cluster", {
      where: "kube.server",
      fix: "give kube.server, kube.tokenFile and kube.caFile, or kubeconfig",
    });
  }
  const bracketed = host.includes(":") ? `[${host}]` : host;
  return `https://${bracketed}:${process.env["KUBERNETES_SERVICE_PORT"] ?? "443"}`;
}

/**
 * The file's text, read again when it was replaced: the kubelet renews service account tokens every hour or so. It is looked at before each
 * request, at once: files of a service account are in memory, and to hand a look to another thread takes ten times as long as the look.
 */
function reread(path: string): () => string {
  let seen = Number.NaN;
  let text = "";
  return () => {
    try {
      const { mtimeMs } = statSync(path);
      if (mtimeMs !== seen) {
        text = readFileSync(path, "utf8");
        seen = mtimeMs;
      }
      return text;
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "no text";
      throw new AppError("config", `the file cannot be read (${code})`, { where: path, cause });
    }
  };
}

/** One for all connections, as long as the file says the same: each of its own would read the certificates again and keep them. */
function contextOf(file: () => string): () => SecureContext {
  let seen = "";
  let context: SecureContext | null = null;
  return () => {
    const ca = file();
    if (context === null || ca !== seen) context = createSecureContext({ ca });
    seen = ca;
    return context;
  };
}

/** The library costs some 40 MB once imported, so only a site with a kubeconfig imports it. */
async function fromKubeconfig(path: string): Promise<Access> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  const unusable = (words: string, cause?: unknown) => new AppError("config", words, { where: path, cause });
  try {
    config.loadFromFile(path);
  } catch (cause) {
    throw unusable("not a kubeconfig that can be read", cause);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw unusable("its current context names no cluster");
  if (cluster.proxyUrl !== undefined) throw unusable("it asks for a proxy (proxy-url), which is not supported");
  return {
    server: serverUrl(cluster.server),
    credentials: async () => {
      // Through the library each time: an exec plugin's token runs out, and the library knows when.
      const headers: Record<string, string> = {};
      const options: RequestOptions & ConnectionOptions = { headers };
      try {
        await config.applyToHTTPSOptions(options);
      } catch (cause) {
        throw unusable("its current context cannot be used", cause);
      }
      const { auth, ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
      if (typeof auth === "string") headers["authorization"] = `Basic ${Buffer.from(auth).toString("base64")}`;
      const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
      const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
      return { headers, tls: given };
    },
  };
}

function serverUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new AppError("config", "not an http or https address", { where: `kube.server ${text}` });
}
