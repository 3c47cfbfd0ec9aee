import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { type AttackedSite, attackedSite, until, v } from "./site.ts";

/** Who holds a source sends without an end, not at all, or something else than was asked for. The next source serves. */

const others: Server[] = [];
afterEach(() => {
  for (const server of others.splice(0)) server.close().closeAllConnections();
});

async function stranger(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(answer as Parameters<typeof createServer>[1] & object);
  others.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const runs = (site: AttackedSite, greeting: string) =>
  until(
    () => site.greeting(),
    (seen) => seen === greeting,
    `${greeting} does not run`,
  );
const zeros = Buffer.alloc(1024 * 1024);

it.each<[string, string, (url: string) => string, string]>([
  ["endless data", "endless", (url) => `{ mirror: "${url}" }`, "too-large"],
  ["a page in place of a repository", "page", (url) => `{ git: "${url}/fleet.git" }`, "malformed"],
  ["a redirect to another host", "redirect", (url) => `{ git: "${url}/fleet.git" }`, "unreachable"],
])("%s: told, and the next source serves", async (_title, kind, source, code) => {
  const url = await stranger((_request, response) => {
    if (kind === "page") response.writeHead(200, { "content-type": "text/html" }).end("<html>log in</html>");
    else if (kind === "redirect") response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
    else {
      const more = (): void => {
        while (!response.destroyed && response.write(zeros));
        response.once("drain", more);
      };
      more();
    }
  });
  const site = await attackedSite({ sources: (git) => [source(url), `{ git: "${git}/fleet.git" }`] });
  site.owner.publish(v(1));
  await site.assign(v(1));
  await runs(site, "v1");
  const told = await until(
    () => site.events("source"),
    (events) => events.length > 0,
    "nobody was told",
  );
  expect(told[0]?.code).toBe(code);
});
