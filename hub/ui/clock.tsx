import { signal } from "@preact/signals";
import { ago } from "./words.ts";

/** The hub's time, carried on by this machine's clock: ages must not depend on how the viewer's clock is set. */
const now = signal(Date.now());
let offset = 0;

setInterval(() => {
  now.value = Date.now() + offset;
}, 1000);

/** Words of the hub are rounded down to the second: half of one is the best guess. */
export function heardHubTime(text: string): void {
  offset = Date.parse(text) + 500 - Date.now();
  now.value = Date.now() + offset;
}

/** `12 s ago`, counting on; the exact time on hover. */
export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={at}>
      {ago((now.value - Date.parse(at)) / 1000)}
    </time>
  );
}
