import type { Bus } from "../../../hub/broker/bus.ts";
import { embeddedBroker } from "../../../hub/broker/embedded.ts";
import { sorted } from "../../../shared/canonical.ts";
import { type EventBatch, eventBatch } from "../../../shared/event.ts";
import { encodeFrame, openFrame } from "../../../shared/node/frame.ts";
import type { PrivateKey, PublicKey } from "../../../shared/node/ssh-key.ts";
import {
  type Answer,
  answer,
  BODY_MAX,
  FRAME_NAMESPACE,
  hello,
  PACKET_MAX,
  parseTopic,
  type TopicKind,
  topicOf,
} from "../../../shared/protocol.ts";
import { type Report, report } from "../../../shared/report.ts";
import { keys } from "../../support/fleet.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The least hub there is, for the one site `s-1` of fleet `shops`: takes everything, acknowledges it, and says what a test has it say. */
export interface SoloHub {
  url: string;
  /** All that came, in its order. */
  reports: Report[];
  batches: EventBatch[];
  /** Each number once. */
  events: EventBatch["events"];
  answers: Answer[];
  send(
    kind: TopicKind,
    body: unknown,
    options?: { retain?: boolean; key?: PrivateKey; signedFor?: string },
  ): Promise<void>;
  /** Bytes as they are, on any topic. */
  raw(topic: string, frame: Uint8Array): Promise<void>;
  /** Keeps the connection and neither takes nor acknowledges what comes, until what this returns is called. */
  stall(): () => void;
  close(): Promise<void>;
}

/** `reportKeys` are those that the site may speak with; the first acknowledgement is for what comes first. */
export async function soloHub(reportKeys: readonly PublicKey[] = [keys.report.public]): Promise<SoloHub> {
  const reports: Report[] = [];
  const batches: EventBatch[] = [];
  const events: EventBatch["events"] = [];
  const answers: Answer[] = [];
  let acked = { boot: "", term: 1, report: 0, event: 0 };
  let stalled = Promise.resolve();
  const bus: Bus = await embeddedBroker(
    { host: "127.0.0.1", port: 0, fleet: "shops", allows: (id) => id === "s-1", log: quiet },
    {
      onMessage: async ({ topic, frame }) => {
        await stalled;
        const { kind } = parseTopic(topic);
        const opened = openFrame({
          topic,
          namespace: FRAME_NAMESPACE[kind],
          bytes: frame,
          maxBytes: PACKET_MAX,
          maxInflated: BODY_MAX,
          keys: [...reportKeys],
        });
        if (kind === "up/report") {
          const body = report.parse(opened.json);
          reports.push(body);
          acked = { ...acked, boot: body.boot, report: body.number };
        } else if (kind === "up/event") {
          const batch = eventBatch.parse(opened.json);
          batches.push(batch);
          events.push(...batch.events.filter((event) => event.number > acked.event));
          const newest = Math.max(acked.event, ...batch.events.map((event) => event.number));
          acked = { ...acked, boot: batch.boot, event: newest };
        } else if (kind === "up/answer") answers.push(answer.parse(opened.json));
        else if (kind === "up/hello") acked = { ...acked, boot: hello.parse(opened.json).boot };
        else return;
        setImmediate(() => void send("down/ack", acked).catch(() => {}));
      },
      onBreach: () => {},
    },
  );
  const send: SoloHub["send"] = (kind, body, { retain = false, key = keys.assign, signedFor } = {}) => {
    const topic = topicOf("shops", "s-1", kind);
    const frame = encodeFrame({
      topic: signedFor ?? topic,
      namespace: FRAME_NAMESPACE[kind],
      json: sorted(body),
      format: "deflate",
      key,
    });
    return bus.publish(topic, frame, { retain });
  };
  return {
    url: bus.url,
    reports,
    batches,
    events,
    answers,
    send,
    raw: (topic, frame) => bus.publish(topic, frame, { retain: false }),
    stall: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      stalled = promise;
      return resolve;
    },
    close: () => bus.close(),
  };
}
