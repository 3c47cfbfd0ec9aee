/** A line between a client and a server on 127.0.0.1: counts what passes, and can be cut at a byte, slowed and hushed. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Line {
  /** Where to connect to instead of the server. */
  port: number;
  /** Bytes of TCP content so far. */
  counted: { up: number; down: number; connections: number };
  /** After so many bytes more downwards, the connection that carries them is broken off, and so is each later one; null: none is. */
  cutAfter(bytes: number | null): void;
  /** Bytes a second downwards from now on; null: as fast as can be. */
  pace(bytesPerSecond: number | null): void;
  /** Breaks off every open connection. */
  hangUp(): void;
  /** Bytes that pass, both ways, while this runs. */
  spent(run: () => Promise<unknown>): Promise<number>;
  stop(): Promise<void>;
}

export async function openLine(to: { port: number; host?: string }): Promise<Line> {
  const counted = { up: 0, down: 0, connections: 0 };
  const open = new Set<Socket>();
  let left: number | null = null;
  let pace: number | null = null;
  const server = createServer((client) => {
    counted.connections += 1;
    const upstream = connect(to.port, to.host ?? "127.0.0.1");
    const end = () => {
      client.destroy();
      upstream.destroy();
      open.delete(client);
    };
    open.add(client);
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    client.on("data", (chunk: Buffer) => {
      counted.up += chunk.length;
      upstream.write(chunk);
    });
    const down = (chunk: Buffer) => {
      const sent = chunk.subarray(0, left ?? chunk.length);
      counted.down += sent.length;
      if (left !== null) left -= sent.length;
      if (left === 0) client.write(sent, end);
      else client.write(sent);
    };
    upstream.on("data", (chunk: Buffer) => {
      if (pace === null) return down(chunk);
      upstream.pause();
      let at = 0;
      const drip = setInterval(() => {
        if (client.destroyed) return clearInterval(drip);
        down(chunk.subarray(at, at + Math.max(1, Math.round((pace ?? 1e9) / 10))));
        at += Math.max(1, Math.round((pace ?? 1e9) / 10));
        if (at < chunk.length) return;
        clearInterval(drip);
        upstream.resume();
      }, 100);
    });
  });
  const hangUp = () => {
    for (const socket of open) socket.destroy();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    counted,
    cutAfter: (bytes) => {
      left = bytes;
    },
    pace: (bytesPerSecond) => {
      pace = bytesPerSecond;
    },
    hangUp,
    spent: async (run) => {
      const before = counted.up + counted.down;
      await run();
      return counted.up + counted.down - before;
    },
    stop: async () => {
      server.close();
      hangUp();
      await once(server, "close");
    },
  };
}
