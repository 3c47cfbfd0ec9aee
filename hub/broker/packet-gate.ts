/**
 * Walks a stream of MQTT packets by their fixed headers, so that a length over the cap is known from its first bytes,
 * before anything holds the packet. Returns the words of a breach, or nothing; after a breach it must not be used
 * again. `cap` is in bytes and bounds the remaining length of the header (MQTT 3.1.1, 2.2.3).
 */
export type PacketGate = (chunk: Uint8Array, cap: number) => string | undefined;

/** A fourth length byte is the last. */
const LAST_SCALE = 128 ** 3;

export function packetGate(): PacketGate {
  /** Bytes of the current packet's body that are still to come. */
  let body = 0;
  /** 0: the next byte is a packet's first; otherwise what the next length byte counts in. */
  let scale = 0;
  let length = 0;

  return (chunk, cap) => {
    for (let at = 0; at < chunk.length; ) {
      if (body > 0) {
        const taken = Math.min(body, chunk.length - at);
        body -= taken;
        at += taken;
        continue;
      }
      const byte = chunk[at++] ?? 0;
      if (scale === 0) {
        scale = 1;
        length = 0;
        continue;
      }
      length += (byte & 127) * scale;
      if (length > cap) return `sends a packet of ${length} bytes or more; ${cap} are allowed`;
      if (byte < 128) {
        body = length;
        scale = 0;
      } else if (scale === LAST_SCALE) {
        return "sends a packet whose length has more than four bytes";
      } else {
        scale *= 128;
      }
    }
    return undefined;
  };
}
