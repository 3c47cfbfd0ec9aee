import { AppError } from "../../shared/errors.ts";
import { openFrame } from "../../shared/node/frame.ts";
import { parseAs } from "../../shared/parse.ts";
import { type Ack, ack, BODY_MAX, FRAME_NAMESPACE, type Hello, PACKET_MAX, topicOf } from "../../shared/protocol.ts";
import { openAssignment } from "../../shared/verify/assignment.ts";
import { signersOf, type TrustedRoot } from "../../shared/verify/root.ts";

/** What a hub of this fleet told a site, by frames that the site shows: signed by a key of the root's role `assign`, to this very site. */

/** The assignment set that a hello names. Throws a refusal where it does not show that one as a hub signed it. */
export function shownSet({ assignment = [0, 0], shown }: Hello, site: string, root: TrustedRoot): void {
  const claim = `it says that it took set ${assignment.join(".")}, which is not stored here`;
  const set = openAssignment(bytesOf(shown?.assign, claim), { site, root, last: null })?.set;
  if (set?.term === assignment[0] && set.number === assignment[1]) return;
  throw new AppError("assignment", `${claim}, and shows set ${set?.term}.${set?.number}`);
}

/** The acknowledgement that a hello shows for its numbers. Throws a refusal where no hub signed it. */
export function shownAck({ report, event, shown }: Hello, site: string, root: TrustedRoot): Ack {
  const claim = `it says that report ${report} and event ${event} were confirmed, which are not stored here`;
  const topic = topicOf(root.document.fleet, site, "down/ack");
  const { json } = openFrame({
    topic,
    namespace: FRAME_NAMESPACE["down/ack"],
    bytes: bytesOf(shown?.ack, claim),
    maxBytes: PACKET_MAX,
    maxInflated: BODY_MAX,
    keys: signersOf(root, "assign").keys,
  });
  return parseAs(ack, json, topic);
}

function bytesOf(frame: string | undefined, claim: string): Uint8Array {
  if (frame === undefined) throw new AppError("assignment", `${claim}, and does not show how a hub said so`);
  return Buffer.from(frame, "base64");
}
