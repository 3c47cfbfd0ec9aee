import { signal } from "@preact/signals";
import type { EventList, FleetView } from "../api/contract.ts";
import { heardHubTime } from "./clock.tsx";

/** How this page stands with the hub: what it shows is only as true as this line is alive. */
export type Line = { kind: "connecting" } | { kind: "live" } | { kind: "lost"; since: number };

export const line = signal<Line>({ kind: "connecting" });
export const view = signal<FleetView | null>(null);
export const events = signal<EventList | null>(null);

/** The hub beats every 10 s: two missed beats are a dead line, whatever the socket says. */
const SILENT_MS = 25_000;
const RETRY_MS = 2_000;
const EVENTS_GAP_MS = 1_000;
const EVENTS_PAGE = 30;

let source: EventSource | null = null;
let watchdog: ReturnType<typeof setTimeout> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Opens the stream and keeps it open for as long as the page lives. */
export function follow(): void {
  clearTimeout(retry);
  source?.close();
  source = new EventSource("/api/v1/stream");
  source.addEventListener("fleet", ({ data }: MessageEvent<string>) => {
    const fleet = JSON.parse(data) as FleetView;
    heard(fleet.now);
    view.value = fleet;
    document.title = `${fleet.fleet} · Skerry`;
  });
  source.addEventListener("beat", ({ data }: MessageEvent<string>) => heard((JSON.parse(data) as { now: string }).now));
  // The browser tries again by itself after a cut, but not after an answer that is no stream, as from a proxy.
  source.addEventListener("error", () => lost(source?.readyState === EventSource.CLOSED));
  watch();
}

function heard(hubTime: string): void {
  heardHubTime(hubTime);
  if (line.value.kind !== "live") line.value = { kind: "live" };
  watch();
  refreshEvents();
}

function lost(reopen: boolean): void {
  if (line.value.kind !== "lost") line.value = { kind: "lost", since: Date.now() };
  clearTimeout(retry);
  if (reopen) retry = setTimeout(follow, RETRY_MS * (0.5 + Math.random()));
}

function watch(): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    lost(true);
    watch();
  }, SILENT_MS);
}

let asking = false;
let askAgain = false;
let shown = EVENTS_PAGE;

/** The API gives at most 1000 at once. */
export function showMoreEvents(): void {
  shown = Math.min(1000, shown * 3);
  refreshEvents();
}

/** At most once a second; what comes in between is in the next answer. */
function refreshEvents(): void {
  askAgain = asking;
  if (asking) return;
  asking = true;
  void ask().finally(() =>
    setTimeout(() => {
      asking = false;
      if (askAgain) refreshEvents();
    }, EVENTS_GAP_MS),
  );
}

async function ask(): Promise<void> {
  try {
    const response = await fetch(`/api/v1/events?limit=${shown}`);
    if (response.ok) events.value = (await response.json()) as EventList;
  } catch {
    // The line itself shows that the hub is away; the events are asked for again when it is back.
  }
}
