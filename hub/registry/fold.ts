import type { EventBatch } from "../../shared/event.ts";
import type { Answer, Hello, Presence } from "../../shared/protocol.ts";
import type { Report } from "../../shared/report.ts";
import type { Site } from "./site.ts";

/** What a site said, verified and typed. */
export type Said =
  | { kind: "hello"; body: Hello }
  | { kind: "report"; body: Report }
  | { kind: "event"; body: EventBatch }
  | { kind: "answer"; body: Answer }
  | { kind: "presence"; body: Presence };

export function newSite(id: string): Site {
  return { id, boot: null, agent: null, heardAt: 0, presence: "unknown", report: null, event: 0 };
}

/**
 * What is known of a site after a message of its own, at `at` (the hub's clock, ms). A message twice, or late, changes nothing
 * but when the site was last heard; another boot nonce alone is a reboot. Presence is a hint and no sign of life: the broker sends
 * the will.
 */
export function fold(site: Site, said: Said, at: number): Site {
  switch (said.kind) {
    case "presence":
      return { ...site, presence: said.body.online ? "online" : "offline" };
    case "hello":
      return { ...site, boot: said.body.boot, agent: said.body.agent, heardAt: at, presence: "online" };
    case "report":
      return isNewer(said.body, site)
        ? { ...site, boot: said.body.boot, heardAt: at, report: { body: said.body, at } }
        : { ...site, heardAt: at };
    case "event": {
      const event = Math.max(site.event, ...said.body.events.map(({ number }) => number));
      return event > site.event ? { ...site, boot: said.body.boot, heardAt: at, event } : { ...site, heardAt: at };
    }
    case "answer":
      return { ...site, boot: said.body.boot, heardAt: at };
  }
}

/** Report numbers rise over restarts; what is not above the last one is a repetition or came late. */
function isNewer(report: Report, { report: held }: Site): boolean {
  return held === null || report.number > held.body.number;
}
