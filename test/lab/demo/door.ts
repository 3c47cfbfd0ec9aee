import { createServer } from "node:http";
import type { Site, Stage } from "./stage.ts";

/** What a visitor can do while the demo stays up: commands to paste, and switches for what no command can do. */
export async function openDoor(stage: Stage): Promise<{ welcome: string; stop(): Promise<void> }> {
  await stage.fleet.release({ version: "1.1.1", greeting: "nice to see you" });
  const server = createServer((request, response) => {
    const [, verb, id] = (request.url ?? "").split("/");
    const site = stage.sites.find((each) => each.id === id);
    if (request.method !== "POST" || site === undefined || (verb !== "cut" && verb !== "mend")) {
      response.writeHead(404).end("POST /cut/<site> or /mend/<site>\n");
      return;
    }
    if (verb === "cut") site.cut();
    else site.mend();
    response.end(`${site.id}: links ${verb === "cut" ? "cut" : "mended"}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const [first, second = first] = stage.sites as [Site, ...Site[]];
  const welcome = `
The fleet is up. Watch it: ${stage.hub.url}/

Try, in another terminal:

 - commit a new version (that is the deployment):
     cd ${stage.fleet.dir} && sed -i 's/^version: .*/version: 1.1.1/' rollouts/pos.yaml && git commit -qam 'Deploy pos 1.1.1' && git push -q origin HEAD:main

 - cut a site's links, and mend them:
     curl -X POST http://127.0.0.1:${port}/cut/${second.id}
     curl -X POST http://127.0.0.1:${port}/mend/${second.id}

 - edit an object by hand, and look at it again:
     curl -s -X PATCH -H 'authorization: Bearer ${first.cluster.adminToken}' -H 'content-type: application/merge-patch+json' -d '{"data":{"greeting":"edited by hand"}}' ${first.cluster.caFile === null ? "" : `--cacert ${first.cluster.caFile} `}${first.cluster.server}/api/v1/namespaces/shop/configmaps/till

Ctrl-C ends it and leaves nothing behind.
`;
  return {
    welcome,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
