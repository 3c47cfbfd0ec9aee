import { sorted } from "../../../shared/canonical.ts";
import { encodeFrame } from "../../../shared/node/frame.ts";
import { FRAME_NAMESPACE, topicOf } from "../../../shared/protocol.ts";
import { keys } from "../../support/fleet.ts";
import { FLEET } from "./site.ts";

/** What a hub of this fleet said to a site, as the site shows it. */
export function told(site: string, kind: "down/ack" | "down/assign", body: object, key = keys.assign): string {
  const topic = topicOf(FLEET, site, kind);
  const frame = encodeFrame({ topic, namespace: FRAME_NAMESPACE[kind], json: sorted(body), format: "deflate", key });
  return Buffer.from(frame).toString("base64");
}

export const acked = (report: number, event: number, term = 1) => ({ boot: "0123456789abcdef", term, report, event });
export const setOf = (site: string, term: number, number: number) => {
  return { fleet: FLEET, site, term, number, root: 1, expires: "2026-12-01T00:00:00Z", items: [] };
};
