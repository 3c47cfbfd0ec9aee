import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { Recorded } from "./provoke.ts";
import type { SiteCluster } from "./site.ts";

const SERVED = "/apis/apps/v1";

/**
 * What a server answers while it starts, to a user who does hold the right: it is killed and started again. By name; of each the first that
 * came, and an answer of which there was none in this start is not among them.
 */
export async function whileStarting(site: SiteCluster): Promise<Record<string, Recorded>> {
  const ca = await readFile(site.caFile);
  const found: Record<string, Recorded> = {};
  const over = new AbortController();
  const look = async (path: string) => {
    while (!over.signal.aborted) {
      const answer = await ask(site, ca, path).catch(() => null);
      if (answer === null) continue;
      if (answer.status === 503) found["just started, paths not installed"] ??= answer;
      if (answer.status === 403 && path === SERVED) found["just started, roles not read"] ??= answer;
    }
  };
  const looking = Promise.all([SERVED, SERVED, "/apis/nobody.example/v1"].map(look));
  await site.restartApiServer();
  over.abort();
  await looking;
  return found;
}

function ask(site: SiteCluster, ca: Buffer, path: string): Promise<Recorded> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${site.agentToken}`, accept: "application/json" };
    const options = { ca, headers, agent: false, timeout: 5_000 };
    const call = request(new URL(path, site.server), options, async (response) => {
      const body = Buffer.concat(await response.toArray())
        .toString()
        .trimEnd();
      const { statusCode = 0, headers: given } = response;
      resolve({
        status: statusCode,
        contentType: given["content-type"] ?? "",
        ...(given["retry-after"] !== undefined && { retryAfter: Number(given["retry-after"]) }),
        body,
      });
    });
    call.on("timeout", () => call.destroy());
    call.on("error", reject);
    call.end();
  });
}
