import type { EventBatch, SiteEvent } from "../../shared/event.ts";
import type { Answer, Hello, Presence } from "../../shared/protocol.ts";
import type { Report } from "../../shared/report.ts";
import type { Refusal, Site } from "./site.ts";

/** As many as a report names. */
const REFUSALS_KEPT = 16;

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
        ? withRefusals(
            { ...site, boot: said.body.boot, heardAt: at, report: { body: said.body, at } },
            (site.refusals ?? []).filter((told) => isNamed(told, said.body)),
          )
        : { ...site, heardAt: at };
    case "event": {
      const news = said.body.events.filter(({ number }) => number > site.event);
      if (news.length === 0) return { ...site, heardAt: at };
      const event = Math.max(...news.map(({ number }) => number));
      return withRefusals({ ...site, boot: said.body.boot, heardAt: at, event }, [
        ...(site.refusals ?? []),
        ...news.flatMap(refusalIn),
      ]);
    }
    case "answer":
      return { ...site, boot: said.body.boot, heardAt: at };
  }
}

/** The newest words for each version. */
function withRefusals(site: Site, told: readonly Refusal[]): Site {
  const next = { ...site };
  delete next.refusals;
  if (told.length === 0) return next;
  const newest = new Map(told.map((refusal) => [`${refusal.bundle} ${refusal.digest}`, refusal]));
  return { ...next, refusals: [...newest.values()].slice(-REFUSALS_KEPT) };
}

function refusalIn({ kind, bundle, digest, words }: SiteEvent): Refusal[] {
  if (kind !== "refused" || bundle === undefined || digest === undefined || words === undefined) return [];
  return [{ bundle, digest, words }];
}

function isNamed({ bundle, digest }: Refusal, { refused = [] }: Report): boolean {
  return refused.some((entry) => entry.bundle === bundle && entry.digest === digest);
}

/** Report numbers rise over restarts; what is not above the last one is a repetition or came late. */
function isNewer(report: Report, { report: held }: Site): boolean {
  return held === null || report.number > held.body.number;
}
