import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeError } from "../../../agent/apply/kube.ts";
import { RestKube } from "../../../agent/apply/rest.ts";
import { Transport } from "../../../agent/apply/rest-transport.ts";

export type Script = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export interface Scripted {
  kube: RestKube;
  server: string;
  /** `METHOD /path?query` of all requests but discovery, in order. */
  asked: string[];
  /** How often discovery was asked. */
  lookups(): number;
  transport: Transport;
  close(): Promise<void>;
}

const CORE = {
  kind: "APIResourceList",
  groupVersion: "v1",
  resources: [
    { name: "configmaps", namespaced: true, kind: "ConfigMap" },
    { name: "namespaces", namespaced: false, kind: "Namespace" },
    { name: "pods/status", namespaced: true, kind: "Pod" },
    { name: "pods", namespaced: true, kind: "Pod" },
  ],
};

/** A server on 127.0.0.1 that answers discovery of `v1`, and to everything else what `script` says. */
export async function scripted(script: Script, limits = { timeout: 5_000, body: 1024 * 1024 }): Promise<Scripted> {
  const asked: string[] = [];
  let lookups = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      if (request.url === "/api/v1") {
        lookups += 1;
        return json(response, 200, CORE);
      }
      asked.push(`${request.method} ${request.url}`);
      script(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const access = { server: new URL(url), credentials: async () => ({ headers: {}, tls: {} }) };
  const transport = new Transport(access, limits);
  return {
    kube: new RestKube(transport),
    server: url,
    asked,
    lookups: () => lookups,
    transport,
    close: async () => {
      transport.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

export async function failure(work: Promise<unknown>): Promise<KubeError> {
  const error = await work.then(
    () => new Error("it succeeded"),
    (caught: unknown) => caught,
  );
  if (error instanceof KubeError) return error;
  throw error;
}
