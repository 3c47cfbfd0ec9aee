import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { attackedSite, until, v } from "./site.ts";

/** Who holds a source keeps a site waiting. It takes half a minute: that is how long a source may be that slow. */

let server: Server;
afterEach(() => {
  server.close().closeAllConnections();
});

it("slow retrieval: an answer that trickles ends, is told, and the next source serves", {
  timeout: 150_000,
}, async () => {
  const drips: NodeJS.Timeout[] = [];
  server = createServer((_request, response: ServerResponse) => {
    response.writeHead(200, { "content-length": "1000000" });
    drips.push(setInterval(() => response.write("x"), 1_000));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const site = await attackedSite({ sources: (git) => [`{ mirror: "${url}" }`, `{ git: "${git}/fleet.git" }`] });
  site.owner.publish(v(1));
  await site.assign(v(1));
  const greeting = await until(
    () => site.greeting(),
    (seen) => seen === "v1",
    "the next source does not serve",
    75_000,
  );
  for (const drip of drips) clearInterval(drip);
  expect(greeting).toBe("v1");
  const [told] = await until(
    () => site.events("source"),
    (events) => events.length > 0,
    "nobody was told",
  );
  expect(told).toMatchObject({ code: "unreachable", words: expect.stringMatching(/bytes|slow/) });
});
