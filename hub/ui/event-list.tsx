import type { EventKind } from "../../shared/event.ts";
import type { EventView } from "../api/contract.ts";
import { Ago } from "./clock.tsx";
import { events, showMoreEvents } from "./live.ts";
import { Mark } from "./mark.tsx";
import type { MarkName, Tone } from "./words.ts";

const SIGN: Readonly<Record<EventKind, readonly [Tone, MarkName]>> = {
  started: ["none", "ring"],
  assigned: ["moving", "dot"],
  applying: ["moving", "arrow"],
  committed: ["good", "check"],
  failed: ["bad", "cross"],
  reverting: ["warn", "undo"],
  reverted: ["warn", "undo"],
  drift: ["warn", "bang"],
  prepared: ["moving", "dot"],
  pruned: ["none", "dash"],
  recreated: ["warn", "undo"],
  refused: ["bad", "cross"],
  held: ["away", "pause"],
  released: ["none", "ring"],
  source: ["away", "away"],
  run: ["moving", "dot"],
};

/** Newest first, as the hub stored them. */
export function EventList() {
  const list = events.value;
  return (
    <section aria-labelledby="events-title" class="events">
      <h2 id="events-title">Events</h2>
      {list !== null && list.events.length === 0 && <p class="quiet">None yet.</p>}
      <ol>
        {list?.events.map((event) => (
          <EventRow key={event.row} event={event} />
        ))}
      </ol>
      {list !== null && list.next !== null && list.events.length < 1000 && (
        <button type="button" class="verb" onClick={showMoreEvents}>
          Show older events
        </button>
      )}
    </section>
  );
}

function EventRow({ event }: { event: EventView }) {
  const [tone, mark] = SIGN[event.kind];
  const what = event.version ?? event.digest?.slice(0, 8) ?? "";
  return (
    <li class="event">
      <span class="event-when">
        <Ago at={event.storedAt} />
      </span>
      <span class="event-site">{event.site === "" ? "hub" : <code>{event.site}</code>}</span>
      <span class={`event-kind tone-${tone}`}>
        <Mark name={mark} />
        {event.kind}
      </span>
      <span class="event-what">
        {event.bundle !== null && (
          <>
            {event.bundle} {what !== "" && <code class="version">{what}</code>}{" "}
          </>
        )}
        {event.code !== null && <b class="code">{event.code}</b>}
        {event.object !== null && <span class="object"> {event.object}</span>}
        {event.words !== null && <span class="event-words"> {event.words}</span>}
      </span>
    </li>
  );
}
