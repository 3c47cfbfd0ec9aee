import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { PACKET_MAX_UNAUTHENTICATED } from "../../shared/protocol.ts";
import { packetGate } from "./packet-gate.ts";

/**
 * A socket that hands on no packet over `cap`: aedes holds a packet until it is whole, whatever length it claims.
 * It can also be held, because aedes goes on reading while messages wait for the hub to commit them.
 */
export class GuardedSocket extends Duplex {
  /** Bytes; raised by the broker when it knows who is there. */
  cap = PACKET_MAX_UNAUTHENTICATED;
  readonly remote: string;
  readonly #socket: Socket;
  #held = false;
  #full = false;

  constructor(socket: Socket, onBreach: (words: string) => void) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
    const gate = packetGate();
    socket.on("data", (chunk: Buffer) => {
      if (this.destroyed) return;
      const breach = gate(chunk, this.cap);
      if (breach !== undefined) {
        this.destroy();
        onBreach(breach);
        return;
      }
      this.#full = !this.push(chunk);
      if (this.#full) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  release(): void {
    this.#held = false;
    if (!this.#full) this.#socket.resume();
  }

  override _read(): void {
    this.#full = false;
    if (!this.#held) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
