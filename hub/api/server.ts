import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { AppError } from "../../shared/errors.ts";
import type { Clock, Log } from "../../shared/ports.ts";
import { apiApp } from "./app.ts";
import { Feed } from "./feed.ts";
import { pagesFrom } from "./page.ts";
import type { HubView } from "./snapshot.ts";
import { fleetView, type InWords } from "./view.ts";

export interface ApiOptions extends HubView {
  /** The address to listen at. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Further names by which browsers reach this hub, lower case, without a port. */
  names?: readonly string[];
  /** Folder of the built page. */
  assets: string;
  /** Whoever sends it may use the verbs; left out: nobody may. */
  token?: string;
  /** What the Git server signs its webhooks with; left out: none are taken. */
  hookSecret?: string;
  clock: Clock;
  log: Log;
  inWords: InWords;
}

export interface Api {
  url: string;
  /** Ends open streams too. */
  stop(): Promise<void>;
}

/** Resolves once it listens. Throws `config` where the page is missing, `busy` where somebody else listens there. */
export async function apiServer(options: ApiOptions): Promise<Api> {
  const { host, port, clock, log, inWords } = options;
  const pages = pagesFrom(options.assets);
  const feed = new Feed({
    view: () => fleetView(options.read(), inWords),
    subscribe: (onChange) => options.subscribe(onChange),
    after: clock.after,
    log,
  });
  const server = createServer(getRequestListener(apiApp(options, pages, feed).fetch));
  try {
    await listening(server, host, port);
  } catch (error) {
    feed.stop();
    throw error;
  }
  const address = server.address();
  const bound = address !== null && typeof address === "object" ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    stop: async () => {
      feed.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE";
      const what = taken ? "somebody else listens here already" : `cannot listen here: ${cause.message}`;
      const fix = "choose another `http` host or port in the hub's configuration";
      reject(new AppError(taken ? "busy" : "config", what, { where: `${host}:${port}`, cause, fix }));
    });
    server.listen(port, host, resolve);
  });
}
