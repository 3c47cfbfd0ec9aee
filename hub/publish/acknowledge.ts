import { inWords } from "../../shared/errors.ts";
import type { Journal, Log } from "../../shared/ports.ts";
import type { Ack } from "../../shared/protocol.ts";
import type { Bus } from "../broker/bus.ts";
import { frameFor, type Signer } from "./frames.ts";

/** Not awaited and not repeated: without it the site sends again what was not confirmed. */
export function acknowledge(
  { bus, signer, journal, log }: { bus: Bus; signer: Signer; journal: Journal; log: Log },
  acks: Iterable<readonly [site: string, ack: Ack]>,
): void {
  for (const [site, ack] of acks) {
    const { topic, frame } = frameFor(signer, site, "down/ack", ack);
    journal("bus.ack", "before");
    bus.publish(topic, frame, { retain: false }).then(
      () => journal("bus.ack", "after"),
      (error) => log.debug({ site }, `an acknowledgement was not sent: ${inWords(error)}`),
    );
  }
}
