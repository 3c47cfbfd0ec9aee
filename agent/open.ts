import { milliseconds, rfc3339 } from "../shared/names.ts";
import { isDamaged, setAside } from "../shared/node/sqlite.ts";
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

/** A damaged database is set aside, never deleted; the site finds its way back from its sources and its cluster. */
export function openCache(file: string, journal: Journal, log: Log, clock: Clock): Cache {
  try {
    return sqliteCache({ file, journal });
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const kept = setAside(file);
    log.error({ kept }, "the database is damaged; it is kept, and a new one begun");
    const cache = sqliteCache({ file, journal });
    cache.addEvents([
      {
        at: rfc3339(clock.now()),
        kind: "started",
        code: "storage",
        words: `a damaged database was set aside as ${kept}`,
      },
    ]);
    return cache;
  }
}
