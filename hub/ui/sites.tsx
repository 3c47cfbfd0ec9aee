import type { FleetView } from "../api/contract.ts";
import { CONCERNS, isLike } from "./concerns.ts";
import { filter, matches, setFilter } from "./filter.ts";
import { bestGroup, labelKeys } from "./grouping.ts";
import { Mark } from "./mark.tsx";
import { SiteCells } from "./site-cells.tsx";
import { SiteTable } from "./site-table.tsx";
import { CONCERN, CONDITION, counted } from "./words.ts";

const LIKES = [...(Object.keys(CONDITION) as (keyof typeof CONDITION)[]), ...CONCERNS];
const SIGN = { ...CONDITION, ...CONCERN };

export function Sites({ fleet }: { fleet: FleetView }) {
  const { words, condition, group } = filter.value;
  const found = fleet.sites.filter((site) => matches(site, words));
  const shown = condition === null ? found : found.filter((site) => isLike(site, condition));
  const key = group ?? bestGroup(fleet.sites);
  return (
    <section aria-labelledby="sites" class="sites">
      <h2 id="sites" tabIndex={-1}>
        Sites
      </h2>
      <div class="tools">
        <div class="conditions" role="group" aria-label="Show only sites that are">
          {LIKES.map((name) => {
            const count = found.filter((site) => isLike(site, name)).length;
            if (count === 0 && condition !== name) return null;
            const { tone, mark, word } = SIGN[name];
            return (
              <button
                key={name}
                type="button"
                class={`chip tone-${tone}`}
                aria-pressed={condition === name}
                onClick={() => setFilter({ condition: condition === name ? null : name })}
              >
                <Mark name={mark} />
                <span class="chip-count">{count.toLocaleString("en")}</span> {word}
              </button>
            );
          })}
        </div>
        <label>
          Find
          <input
            type="search"
            value={words}
            placeholder="s-0017 region=north"
            onInput={({ currentTarget }) => setFilter({ words: currentTarget.value })}
          />
        </label>
        <label>
          Group by
          <select value={key} onChange={({ currentTarget }) => setFilter({ group: currentTarget.value })}>
            <option value="">nothing</option>
            {labelKeys(fleet.sites).map((label) => (
              <option key={label} value={label}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      {shown.length === 0 ? (
        <p class="quiet">
          {fleet.sites.length === 0
            ? "No site has a signed record yet. `skerry site sign` makes one."
            : `None of ${counted(fleet.sites.length, "site")} is like that.`}
        </p>
      ) : (
        <>
          <SiteCells sites={shown} group={key} />
          <SiteTable sites={shown} />
        </>
      )}
    </section>
  );
}
