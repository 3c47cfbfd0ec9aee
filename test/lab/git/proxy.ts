/** An HTTP proxy on 127.0.0.1: tunnels for CONNECT, passes plain requests on, and writes down what it was asked. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface Proxy {
  url: string;
  /** `CONNECT host:port` or `GET http://...`, and the headers as they came. */
  asked: { what: string; headers: string }[];
  stop(): Promise<void>;
}

export async function startProxy(credentials?: string): Promise<Proxy> {
  const asked: Proxy["asked"] = [];
  const wanted = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`;
  const server = createServer((incoming, outgoing) => {
    asked.push({ what: `${incoming.method} ${incoming.url}`, headers: JSON.stringify(incoming.rawHeaders) });
    if (wanted !== undefined && incoming.headers["proxy-authorization"] !== wanted) {
      outgoing.writeHead(407).end();
      return;
    }
    const { "proxy-authorization": _, ...headers } = incoming.headers;
    const onward = request(incoming.url ?? "", { method: incoming.method ?? "GET", headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  const open = new Set<{ destroy(): unknown }>();
  server.on("connect", (incoming, client) => {
    asked.push({ what: `CONNECT ${incoming.url}`, headers: JSON.stringify(incoming.rawHeaders) });
    if (wanted !== undefined && incoming.headers["proxy-authorization"] !== wanted) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const { hostname, port } = new URL(`http://${incoming.url}`);
    const upstream = connect(Number(port), hostname, () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.on("error", () => to.destroy()).on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
      await once(server, "close");
    },
  };
}
