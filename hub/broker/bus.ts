/**
 * Port `bus`: the hub's end of MQTT. Held by `test/contract/bus`.
 */
export interface Bus {
  /** `mqtt://127.0.0.1:1883`, as bound. */
  readonly url: string;
  /** QoS 1. Resolves when the broker has taken it. Idempotent by content: publishing the same retained frame twice is harmless. */
  publish(topic: string, frame: Uint8Array, options: { retain: boolean }): Promise<void>;
  close(): Promise<void>;
}

export interface BusEvents {
  /**
   * One message of a site. The broker's acknowledgement leaves only after this resolved: what it says was stored is stored.
   * A rejection closes the sender's connection without an acknowledgement, so the site sends it again.
   */
  onMessage(message: { topic: string; client: string; frame: Uint8Array }): Promise<void>;
  /** A breach of the topic rules or of the packet caps; the connection is closed. */
  onBreach(breach: { client: string; words: string }): void;
}
