import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A TCP relay on 127.0.0.1 between a site and the hub's port, to be cut, to fall silent, and to count. */
export interface Cable {
  readonly port: number;
  /** Bytes that it carried. */
  readonly carried: { up: number; down: number };
  /** Ends what goes through it, with a reset. */
  cut(): void;
  /** Swallows everything and says nothing, as a NAT that forgot the connection. */
  silence(): void;
  end(): Promise<void>;
}

export async function cable(target: () => number): Promise<Cable> {
  const sockets = new Set<Socket>();
  const carried = { up: 0, down: 0 };
  let silent = false;

  function carry(from: Socket, to: Socket, direction: "up" | "down"): void {
    sockets.add(from);
    from.on("data", (chunk) => {
      carried[direction] += chunk.length;
      if (!silent) to.write(chunk);
    });
    from.on("error", () => to.destroy());
    from.on("end", () => {
      if (!silent) to.end();
    });
    from.on("close", () => {
      sockets.delete(from);
      if (!silent) to.destroy();
    });
  }

  const server = createServer({ allowHalfOpen: true }, (site) => {
    const hub = connect({ host: "127.0.0.1", port: target(), allowHalfOpen: true });
    carry(site, hub, "up");
    carry(hub, site, "down");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    port: (server.address() as AddressInfo).port,
    carried,
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    silence() {
      silent = true;
    },
    async end() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
