import { readFileSync } from "node:fs";
import { request as plain } from "node:http";
import { request as tls } from "node:https";

/** A Kubernetes API as the demo reaches it: the lab's or a real one. */
export interface Cluster {
  server: string;
  /** The agent's token, and one that may do everything. */
  agentTokenFile: string;
  adminToken: string;
  caFile: string | null;
}

/** One request as an administrator. Gives the status and the parsed answer, whatever it is. */
export function ask(
  cluster: Cluster,
  method: string,
  path: string,
  body?: unknown,
  type = "application/merge-patch+json",
): Promise<{ status: number; body: Record<string, unknown> }> {
  const url = new URL(path, cluster.server);
  const send = url.protocol === "https:" ? tls : plain;
  return new Promise((resolve, reject) => {
    const call = send(
      url,
      {
        method,
        headers: {
          authorization: `Bearer ${cluster.adminToken}`,
          ...(body === undefined ? {} : { "content-type": type }),
        },
        ...(cluster.caFile === null ? {} : { ca: readFileSync(cluster.caFile) }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          try {
            resolve({
              status: response.statusCode ?? 0,
              body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
            });
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
