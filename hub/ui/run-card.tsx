import type { FleetView, RunView } from "../api/contract.ts";
import { Ago } from "./clock.tsx";
import { Lanes } from "./lanes.tsx";
import { Badge } from "./mark.tsx";
import { Preview } from "./preview.tsx";
import { askFor } from "./verb-dialog.tsx";
import { counted, lasting, PHASE, VERB } from "./words.ts";

/** Newest first: runs that move or stand still in full, those that ended folded. */
export function Runs({ fleet }: { fleet: FleetView }) {
  return (
    <section aria-labelledby="runs-title">
      <h2 id="runs-title">Rollouts</h2>
      {fleet.runs.length === 0 && (
        <p class="quiet">No run yet. Changing the version in a rollout file of the fleet repository starts one.</p>
      )}
      {fleet.runs.toReversed().map((run) => (
        <RunCard key={run.id} run={run} />
      ))}
    </section>
  );
}

function RunCard({ run }: { run: RunView }) {
  const ended = run.phase === "completed" || run.phase === "aborted" || run.phase === "superseded";
  const sites = run.waves.reduce((sum, wave) => sum + wave.sites.length, 0);
  return (
    <article
      class={`run phase-${run.phase} ${ended ? "ended" : ""}`}
      id={`run-${run.id}`}
      aria-labelledby={`title-${run.id}`}
      tabIndex={-1}
    >
      <div class="run-head">
        <h3 id={`title-${run.id}`}>
          {run.bundle} <span class="version">{run.version}</span>
          {run.back && <span class="back"> (a return to an older version)</span>}
        </h3>
        <Badge sign={PHASE[run.phase]} detail={run.step === null ? "" : `: ${run.step}`} />
        <p class="run-facts">
          run <code>{run.id}</code>, {counted(sites, "site")} in {counted(run.waves.length, "wave")}, started{" "}
          <Ago at={run.startedAt} />
          {!run.phase.startsWith("rolling") && run.phase !== "planned" && (
            <>
              , {PHASE[run.phase].word} <Ago at={run.since} />
            </>
          )}
        </p>
        {run.verbs.length > 0 && (
          <div class="verbs">
            {run.verbs.map((verb) => (
              <button key={verb} type="button" class={`verb verb-${verb}`} onClick={() => askFor(run, verb)}>
                {VERB[verb].word}
                <span class="hidden">
                  {" "}
                  {run.bundle} {run.version}
                </span>
              </button>
            ))}
          </div>
        )}
      </div>
      <p class="because">{run.words}</p>
      <Gate because={run.because} />
      {!ended && <Lanes run={run} />}
      <div class="folds">
        <Preview run={run} />
        {ended && (
          <details>
            <summary>{counted(run.waves.length, "wave")}</summary>
            <Lanes run={run} />
          </details>
        )}
        {run.left.length > 0 && (
          <details>
            <summary>{counted(run.left.length, "site")} selected and in no wave</summary>
            <ul class="left">
              {run.left.map(({ site, why }) => (
                <li key={site}>
                  <code>{site}</code> {why}
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </article>
  );
}

/** The gate's arithmetic as bars beside the words. */
function Gate({ because }: { because: RunView["because"] }) {
  if (because.kind !== "moving" && because.kind !== "soaking") return null;
  const { wave, healthy, of, needed } = because;
  return (
    <div class="gate">
      <Bar label={`${wave}: ${healthy} of ${of} healthy`} value={healthy} of={of} mark={needed} />
      {because.kind === "soaking" && (
        <Bar
          label={`soaked ${lasting(because.shortestSeconds)} of ${lasting(because.soakSeconds)}`}
          value={because.shortestSeconds}
          of={because.soakSeconds}
        />
      )}
    </div>
  );
}

/** `mark`: how much is needed, where that is less than all. */
function Bar({ label, value, of, mark = of }: { label: string; value: number; of: number; mark?: number }) {
  const share = (part: number) => `${of === 0 ? 0 : Math.min(100, (100 * part) / of)}%`;
  return (
    <div class="bar">
      <span class="bar-label">{label}</span>
      <span class="bar-track" aria-hidden="true">
        <span class="bar-fill" style={{ width: share(value) }} />
        {mark < of && <span class="bar-mark" style={{ left: share(mark) }} />}
      </span>
    </div>
  );
}
