import type { RunView, WaveView } from "../api/contract.ts";
import { Mark } from "./mark.tsx";
import { counted, lasting, OUTCOME, STAGES, WAVE } from "./words.ts";

/** So few are told apart by name, so many by eye; the count is always exact. */
const NAMED = 14;
const DRAWN = 150;

/** Each wave a lane, each site a dot in the column of what became of it. */
export function Lanes({ run }: { run: RunView }) {
  return (
    <ol class="lanes" aria-label={`Waves of ${run.bundle} ${run.version}`}>
      {run.waves.map((wave) => (
        <Lane key={wave.name} wave={wave} />
      ))}
    </ol>
  );
}

function Lane({ wave }: { wave: WaveView }) {
  const { name, state, soakSeconds, success, sites } = wave;
  const soak = soakSeconds === 0 ? "" : `, soak ${lasting(soakSeconds)}`;
  return (
    <li class={`lane lane-${state}`}>
      <div class="lane-head">
        <h4>{name}</h4>
        <span class="lane-state">{WAVE[state]}</span>
        <span class="lane-rule">
          {counted(sites.length, "site")}, {success} healthy{soak}
        </span>
      </div>
      <dl class="stages">
        {STAGES.map((stage) => (
          <Stage key={stage.word} stage={stage} wave={wave} />
        ))}
      </dl>
    </li>
  );
}

function Stage({ stage, wave }: { stage: (typeof STAGES)[number]; wave: WaveView }) {
  const sites = wave.sites.filter(({ outcome }) => stage.outcomes.includes(outcome));
  const named = wave.sites.length <= NAMED;
  return (
    <div class={`stage ${sites.length === 0 ? "stage-empty" : ""}`}>
      <dt>{stage.word}</dt>
      <dd>
        <span class="stage-count">{sites.length}</span>
        {sites.length > 0 && (
          <ul class={named ? "dots dots-named" : "dots"}>
            {sites.slice(0, DRAWN).map(({ site, outcome, code }) => {
              const { tone, mark, word } = OUTCOME[outcome];
              const what = `${word}${code === null ? "" : `, ${code}`}`;
              return (
                <li key={site} class={`dot tone-${tone}`} title={`${site}: ${what}`}>
                  <Mark name={mark} />
                  <span class={named ? "dot-name" : "hidden"}>{site}</span>
                  <span class="hidden"> {what}</span>
                </li>
              );
            })}
            {sites.length > DRAWN && <li class="dots-more">and {sites.length - DRAWN} more</li>}
          </ul>
        )}
      </dd>
    </div>
  );
}
