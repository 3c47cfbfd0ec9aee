import { connect, createServer, type Server, type Socket } from "node:net";

/** A cable between a site and the world, which can be cut and mended. */
export interface Cable {
  /** Where the near end listens on 127.0.0.1. */
  port: number;
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

/** Passes bytes on to a port of 127.0.0.1. A cut one drops what is open and refuses what comes. */
export async function layCable(to: () => number): Promise<Cable> {
  const open = new Set<Socket>();
  let whole = true;
  const server: Server = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect({ host: "127.0.0.1", port: to() });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const drop = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    cut: () => {
      whole = false;
      drop();
    },
    mend: () => {
      whole = true;
    },
    stop: () => {
      drop();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
