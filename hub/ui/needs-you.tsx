import type { FleetView } from "../api/contract.ts";
import { setFilter } from "./filter.ts";
import { Mark } from "./mark.tsx";
import { type Need, needsOf } from "./needs.ts";
import { counted } from "./words.ts";

/** What needs a person now comes first, and says so when there is nothing. */
export function NeedsYou({ fleet }: { fleet: FleetView }) {
  const needs = needsOf(fleet);
  const away = fleet.sites.filter(({ condition }) => condition === "offline").length;
  const aside = away === 0 ? "" : ` ${counted(away, "site")} offline: they hold up nobody and catch up on return.`;
  return (
    <section aria-labelledby="needs-title" class="needs">
      <h2 id="needs-title">Needs you now</h2>
      <div role="status" aria-live="polite">
        {needs.length === 0 ? (
          <p class="nothing">
            <span class="tone-good">
              <Mark name="check" />
            </span>
            Nothing.{aside}
          </p>
        ) : (
          <ul>
            {needs.map((need) => (
              <li key={need.key} class={`need tone-${need.sign.tone}`}>
                <Mark name={need.sign.mark} />
                <div>
                  <Lead need={need} />
                  <span class="why">{need.why}</span>
                </div>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function Lead({ need: { leads, what } }: { need: Need }) {
  if (leads === null) return <strong>{what}</strong>;
  if ("run" in leads) {
    return (
      <a href={`#run-${leads.run}`}>
        <strong>{what}</strong>
      </a>
    );
  }
  return (
    <a href="#sites" onClick={() => setFilter({ condition: leads.condition, words: "" })}>
      <strong>{what}</strong>
    </a>
  );
}
