import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** MQTT by hand, for what a well-behaved client would not send. */
export function header(type: number, length: number): Buffer {
  const bytes = [type];
  let rest = length;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

function words(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([header(type, body.length), body]);
}

export interface ConnectWords {
  keepalive?: number;
  clean?: boolean;
  will?: { topic: string; payload: string | Uint8Array };
}

export function connectPacket(client: string, { keepalive = 60, clean = true, will }: ConnectWords = {}): Buffer {
  const flags = (clean ? 2 : 0) | (will ? 4 | 8 | 32 : 0);
  const head = Buffer.from([4, flags, keepalive >> 8, keepalive & 255]);
  const last = will ? [words(will.topic), words(will.payload)] : [];
  return packet(0x10, words("MQTT"), head, words(client), ...last);
}

export function publishPacket(topic: string, payload: string | Uint8Array, { id = 1, qos = 1 } = {}): Buffer {
  const number = qos === 0 ? [] : [Buffer.from([id >> 8, id & 255])];
  return packet(0x30 | (qos << 1), words(topic), ...number, Buffer.from(payload));
}

export function subscribePacket(filter: string, id = 1): Buffer {
  return packet(0x82, Buffer.from([id >> 8, id & 255]), words(filter), Buffer.from([1]));
}

export const CONNACK = 0x20;
export const PUBACK = 0x40;
export const SUBACK = 0x90;
export const DISCONNECT = Buffer.from([0xe0, 0]);
export const PINGREQ = Buffer.from([0xc0, 0]);

export interface Raw {
  socket: Socket;
  send(...packets: Buffer[]): void;
  /** Types of the packets that came, from their first bytes; all but publishes are short. */
  types(): number[];
  /** Everything that came. */
  bytes(): Buffer;
  closed: Promise<unknown>;
}

export async function raw(url: string): Promise<Raw> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await once(socket, "connect");
  return {
    socket,
    send: (...packets) => socket.write(Buffer.concat(packets)),
    types() {
      const types: number[] = [];
      for (let at = 0; at < bytes.length; at += 2 + (bytes[at + 1] ?? 0)) types.push((bytes[at] ?? 0) & 0xf0);
      return types;
    },
    bytes: () => bytes,
    closed,
  };
}
