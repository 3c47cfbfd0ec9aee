import { line, view } from "./live.ts";
import { Mark } from "./mark.tsx";

export function Masthead() {
  const fleet = view.value;
  return (
    <header class="masthead">
      <h1>
        <svg class="rock" viewBox="0 0 32 24" aria-hidden="true">
          <path class="stone" d="M6 15 13 3l4.5 5.5L21 5l6 10z" />
          <path class="wave" d="M3 20q3.25-3.4 6.5 0t6.5 0 6.5 0 6.5 0" />
        </svg>
        Skerry
      </h1>
      {fleet !== null && (
        <dl class="facts">
          <div>
            <dt>Fleet</dt>
            <dd>{fleet.fleet}</dd>
          </div>
          <div>
            <dt>Root</dt>
            <dd>{fleet.root === 0 ? "none yet" : fleet.root}</dd>
          </div>
        </dl>
      )}
      <Connection />
    </header>
  );
}

function Connection() {
  const state = line.value;
  return (
    <p class={`line line-${state.kind}`} role="status">
      {state.kind === "live" && (
        <>
          <span class="pulse" aria-hidden="true" /> Live
        </>
      )}
      {state.kind === "connecting" && "Connecting…"}
      {state.kind === "lost" && (
        <>
          <Mark name="away" /> Hub not reached since {new Date(state.since).toLocaleTimeString("en-GB")}: what you see
          is as of then. Trying again…
        </>
      )}
    </p>
  );
}
