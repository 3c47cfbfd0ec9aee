import { milliseconds, rfc3339 } from "../shared/names.ts";
import { isDamaged, lastSetAside, setAside } from "../shared/node/sqlite.ts";
import type { Clock, Journal, Log, Random } from "../shared/ports.ts";
import type { Cache } from "./cache/cache.ts";
import { sqliteCache } from "./cache/sqlite.ts";
import type { AgentConfig } from "./config.ts";
import type { Link } from "./link/link.ts";
import { mqttLink } from "./link/mqtt.ts";
import type { Talk } from "./talk.ts";

/** The link to the hub at `url`. */
export function openLink(
  config: AgentConfig,
  { clock, random, log }: { clock: Clock; random: Random; log: Log },
  url: string,
  talk: Talk,
  onUp: () => void,
): Link {
  return mqttLink(
    {
      url,
      fleet: config.fleet,
      site: config.site,
      clock,
      random,
      will: talk.presence(false),
      keepaliveSeconds: Math.max(1, Math.round(milliseconds(config.keepalive) / 1000)),
      backoff: {
        firstSpreadMs: milliseconds(config.reconnect.within),
        baseMs: 1_000,
        maxMs: milliseconds(config.reconnect.atMost),
      },
    },
    {
      onConnect: () => {
        log.info({ url }, "connected to the hub");
        void talk.connected();
        onUp();
      },
      onDisconnect: (because) => log.debug({ url, because }, "not connected to the hub"),
      onMessage: (kind, frame) => talk.heard(kind, frame),
    },
  );
}

/**
 * A damaged database is set aside, never deleted; the site finds its way back from its sources and its cluster. The new one tells of it from
 * its first moment on: an agent that is killed in between would never say what became of the old one.
 */
export function openCache(file: string, journal: Journal, log: Log, clock: Clock): Cache {
  const open = (): Cache =>
    sqliteCache({ file, journal, begin: (cache) => tellOfOld(cache, lastSetAside(file), clock) });
  try {
    return open();
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const kept = setAside(file, journal);
    log.error({ kept }, "the database is damaged; it is kept, and a new one begun");
    return open();
  }
}

function tellOfOld(cache: Cache, kept: string | null, clock: Clock): void {
  if (kept === null) return;
  const words = `a damaged database was set aside as ${kept}`;
  cache.addEvents([{ at: rfc3339(clock.now()), kind: "started", code: "storage", words }]);
}
