import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An image registry on 127.0.0.1 that wants a token, as the public ones do. */
export interface FakeRegistry {
  host: string;
  /** Digests by `repository:tag`. */
  tags: Map<string, string>;
  /** Method and path of each request, the token's among them. */
  asked: string[];
  /** Answers in place of the registry, where it returns true. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  stop(): Promise<void>;
}

const TOKEN = "for-everyone";

export async function startFakeRegistry(): Promise<FakeRegistry> {
  const asked: string[] = [];
  const tags = new Map<string, string>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (registry.instead?.(request, response) === true) return;
    const url = new URL(request.url ?? "", "http://x");
    if (url.pathname === "/token") {
      const body = url.searchParams.get("service") === "fake" ? { token: TOKEN } : {};
      response.end(JSON.stringify(body));
      return;
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      const realm = `http://${registry.host}/token`;
      response.writeHead(401, {
        "www-authenticate": `Bearer realm="${realm}",service="fake",scope="repository:x:pull"`,
      });
      response.end();
      return;
    }
    const [, repository, tag] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? [];
    const digest = tags.get(`${repository}:${tag}`);
    const index = String(request.headers.accept).startsWith("application/vnd.oci.image.index.v1+json");
    response.writeHead(
      digest === undefined || !index ? 404 : 200,
      digest === undefined ? {} : { "docker-content-digest": digest },
    );
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // One that nobody stops keeps no program from ending.
  server.unref();
  const registry: FakeRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    tags,
    asked,
    instead: undefined,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;
}
