import type { TopicKind } from "../../shared/protocol.ts";

/**
 * Port `link`: the site's end of the bus. Bytes only; frames are opened and made elsewhere. Held by `test/contract/bus`.
 * It connects for ever: first try spread over `spreadMs`, then exponential backoff with full jitter up to 15 min.
 */
export interface Link {
  /** QoS 1. Resolves at the broker's acknowledgement, which proves little; rejects `unreachable` when the connection ends first. */
  publish(kind: TopicKind, frame: Uint8Array, options?: { retain?: boolean }): Promise<void>;
  readonly connected: boolean;
  /** Bytes counted at the socket since the start, both directions. */
  readonly bytes: { up: number; down: number };
  close(): Promise<void>;
}

export interface LinkEvents {
  /** After CONNACK and SUBACK of `down/#`. */
  onConnect(): void;
  onDisconnect(because: string): void;
  onMessage(kind: TopicKind, frame: Uint8Array, topic: string): void;
}
