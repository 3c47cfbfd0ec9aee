/** A Git server that lists and sends what it is told, true or not. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";

export interface Liar {
  url: string;
  /** Commit by branch. */
  heads: Record<string, string>;
  /** What it sends, whatever is asked for. */
  pack: Buffer;
  stop(): Promise<void>;
}

export async function startLiar(): Promise<Liar> {
  const liar: Omit<Liar, "url" | "stop"> = { heads: {}, pack: packOf([]) };
  const server = createServer((request, response) => {
    void request.toArray().then((chunks) => {
      const asked = Buffer.concat(chunks).toString();
      if (asked.includes("command=ls-refs")) {
        const lines = Object.entries(liar.heads).map(([branch, commit]) => packet(`${commit} refs/heads/${branch}\n`));
        response.end(Buffer.concat([...lines, Buffer.from("0000")]));
      } else {
        const bands = [];
        for (let at = 0; at < liar.pack.length; at += 60_000) {
          bands.push(packet(Buffer.concat([Buffer.from([1]), liar.pack.subarray(at, at + 60_000)])));
        }
        response.end(Buffer.concat([packet("packfile\n"), ...bands, Buffer.from("0000")]));
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(liar, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fleet.git`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  });
}

function packet(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes]);
}

export interface Packed {
  type: "commit" | "tree" | "blob" | "delta";
  content: Uint8Array;
  /** Of a delta: id of its base. */
  base?: string;
  /** The size that the pack gives for it, where that is not the true one. */
  size?: number;
}

/** A pack (gitformat-pack(5)) of these, with a checksum that holds. */
export function packOf(objects: readonly Packed[]): Buffer {
  const types = { commit: 1, tree: 2, blob: 3, delta: 7 };
  const count = Buffer.alloc(4);
  count.writeUInt32BE(objects.length);
  const packed = objects.flatMap(({ type, content, base = "", size = content.length }) => [
    objectHeader(types[type], size),
    Buffer.from(base, "hex"),
    deflateSync(content),
  ]);
  const body = Buffer.concat([Buffer.from("PACK"), Buffer.from([0, 0, 0, 2]), count, ...packed]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

/** The id that Git gives to an object. */
export function idOf({ type, content }: Packed): string {
  return createHash("sha1").update(`${type} ${content.length}\0`).update(content).digest("hex");
}

export function commitOf(tree: string): Packed {
  const by = "Lab <lab@example.com> 1700000000 +0000";
  return { type: "commit", content: Buffer.from(`tree ${tree}\nauthor ${by}\ncommitter ${by}\n\n1.0.0\n`) };
}

export function treeOf(entries: readonly { name: string; id: string; folder?: boolean }[]): Packed {
  const lines = entries.map(({ name, id, folder = false }) =>
    Buffer.concat([Buffer.from(`${folder ? "40000" : "100644"} ${name}\0`), Buffer.from(id, "hex")]),
  );
  return { type: "tree", content: Buffer.concat(lines) };
}

/** A delta that makes its base so many times over. */
export function repeating(base: Packed, times: number): Packed {
  const size = base.content.length;
  const copy = [0xf0, size & 255, (size >> 8) & 255, (size >> 16) & 255];
  const content = Buffer.from([
    ...varint(size),
    ...varint(size * times),
    ...Array.from({ length: times }, () => copy).flat(),
  ]);
  return { type: "delta", content, base: idOf(base) };
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function objectHeader(type: number, size: number): Buffer {
  const rest = Math.floor(size / 16);
  const first = type * 16 + (size % 16);
  return Buffer.from(rest === 0 ? [first] : [first + 128, ...varint(rest)]);
}
