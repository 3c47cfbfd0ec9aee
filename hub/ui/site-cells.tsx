import type { SiteView } from "../api/contract.ts";
import { grouped } from "./grouping.ts";
import { Mark } from "./mark.tsx";
import { picked } from "./site-table.tsx";
import { CONDITION, counted } from "./words.ts";

/** Up to so many cells carry their site's name. */
const NAMED = 150;

/** Every site as one cell; picking one leads to its row. */
export function SiteCells({ sites, group }: { sites: readonly SiteView[]; group: string }) {
  const named = sites.length <= NAMED;
  const groups: [string, readonly SiteView[]][] = group === "" ? [["", sites]] : grouped(sites, group);
  return (
    <div class="cell-groups">
      {groups.map(([value, members]) => (
        <div key={value} class="cell-group">
          {group !== "" && (
            <h3>
              {value === "" ? `without ${group}` : value} <span class="count">{counted(members.length, "site")}</span>
            </h3>
          )}
          <ul class={named ? "cells cells-named" : "cells"}>
            {members.map((site) => (
              <Cell key={site.id} site={site} named={named} />
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function Cell({ site: { id, condition }, named }: { site: SiteView; named: boolean }) {
  const { tone, mark, word } = CONDITION[condition];
  return (
    <li>
      <button
        type="button"
        class={`cell tone-${tone}`}
        title={`${id}: ${word}`}
        aria-pressed={picked.value === id}
        onClick={() => (picked.value = id)}
      >
        <Mark name={mark} />
        <span class={named ? "cell-name" : "hidden"}>{id}</span>
        <span class="hidden"> {word}</span>
      </button>
    </li>
  );
}
