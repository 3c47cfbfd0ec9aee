import { ITEM_STATES } from "../../shared/report.ts";
import type { Status } from "./status.ts";
import type { Tally } from "./tally.ts";

/**
 * Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/). No label has a value that anybody outside could
 * make up: neither bundles nor objects are labels.
 */
export function metricsText(status: Status, tally: Tally, bytes: { up: number; down: number }): string {
  const states = ITEM_STATES.map(
    (state): Sample => [{ state }, status.bundles.filter((bundle) => bundle.state === state).length],
  );
  return [
    metric("build_info", "gauge", "The agent that runs.", [[{ version: status.agent }, 1]]),
    metric("bundles", "gauge", "Bundles by the state of what runs.", states),
    metric("held", "gauge", "1 while the site's own people hold it.", [[{}, status.held === null ? 0 : 1]]),
    metric("hub_connected", "gauge", "1 while the link to the hub is up.", [
      [{}, status.hub?.connected === true ? 1 : 0],
    ]),
    metric("outbox_events", "gauge", "Events that no hub has confirmed.", [[{}, status.outbox]]),
    metric("cycles_total", "counter", "Cycles that ended well.", [[{}, tally.cycles]]),
    metric("cycle_duration_seconds_total", "counter", "Time spent in them.", [[{}, tally.cycleSeconds]]),
    metric("drift_healed_total", "counter", "Objects that were put right again.", [[{}, tally.driftHealed]]),
    metric(
      "kube_requests_total",
      "counter",
      "What was asked of the API server, by verb.",
      [...tally.requests].toSorted().map(([verb, count]): Sample => [{ verb }, count]),
    ),
    metric("link_bytes_total", "counter", "Bytes on the link to the hub.", [
      [{ direction: "down" }, bytes.down],
      [{ direction: "up" }, bytes.up],
    ]),
    metric(
      "last_success_timestamp_seconds",
      "gauge",
      "When a cycle, a look at a source, or an answer of the hub last went well, by the site's clock.",
      [...tally.lastSuccess].toSorted().map(([of, ms]): Sample => [{ of }, ms / 1000]),
    ),
  ].join("");
}

type Sample = [labels: Readonly<Record<string, string>>, value: number];

function metric(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): string {
  const full = `skerry_agent_${name}`;
  const lines = samples.map(([labels, value]) => {
    const inner = Object.entries(labels).map(([key, text]) => `${key}="${text}"`);
    return `${full}${inner.length === 0 ? "" : `{${inner.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}
