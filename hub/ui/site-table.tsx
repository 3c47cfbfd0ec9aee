import type { BundleView, SiteView } from "../api/contract.ts";
import { Ago } from "./clock.tsx";
import { Badge } from "./mark.tsx";
import { CONDITION, CONNECTION, counted, lasting, STATE, troubleOf } from "./words.ts";

/** A longer table is read by nobody: the filter above narrows it. */
const MOST_ROWS = 300;
const ORDER = Object.keys(CONDITION);
const COLUMNS = ["Site", "Labels", "Connection", "Runs", "State", "Objects", "Waiting on"] as const;

/**
 * Those that want attention first. The roles repeat what the elements mean, because a narrow screen lays the rows out as
 * cards, and a browser may take a laid-out table for none.
 */
export function SiteTable({ sites }: { sites: readonly SiteView[] }) {
  const rank = ({ condition }: SiteView) => ORDER.indexOf(condition);
  const sorted = sites.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  return (
    <>
      <table class="site-table" role="table">
        <caption class="hidden">{counted(sites.length, "site")}, those that want attention first</caption>
        <thead role="rowgroup">
          <tr role="row">
            {COLUMNS.map((column) => (
              <th key={column} scope="col" role="columnheader">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        {sorted.slice(0, MOST_ROWS).map((site) => (
          <SiteRows key={site.id} site={site} />
        ))}
      </table>
      {sorted.length > MOST_ROWS && (
        <p class="quiet">
          {MOST_ROWS} of {counted(sorted.length, "site")} are listed. Narrow the filter to see others.
        </p>
      )}
    </>
  );
}

/** One row for each bundle; what is the site's own spans them. */
function SiteRows({ site }: { site: SiteView }) {
  const { id, labels, condition, bundles } = site;
  const span = Math.max(1, bundles.length);
  const [first, ...others] = bundles;
  return (
    <tbody id={`site-${id}`} role="rowgroup" class={site.stale ? "stale" : ""}>
      <tr role="row">
        <th scope="rowgroup" rowSpan={span} role="rowheader">
          <code class="site-id">{id}</code>
          <Badge sign={CONDITION[condition]} />
        </th>
        <td rowSpan={span} role="cell" data-label="Labels" class="labels">
          {Object.entries(labels).map(([key, value]) => (
            <span key={key} class="label">
              {key}=<b>{value}</b>
            </span>
          ))}
        </td>
        <td rowSpan={span} role="cell" data-label="Connection">
          <Connection site={site} />
        </td>
        {first === undefined ? <Nothing site={site} /> : <BundleCells bundle={first} />}
      </tr>
      {others.map((bundle) => (
        <tr key={bundle.bundle} role="row">
          <BundleCells bundle={bundle} />
        </tr>
      ))}
    </tbody>
  );
}

function Connection({ site: { connection, lastHeard, stale, reportAgeSeconds, held } }: { site: SiteView }) {
  return (
    <>
      {CONNECTION[connection]}
      {lastHeard !== null && (
        <span class="under">
          heard <Ago at={lastHeard} />
        </span>
      )}
      {stale && reportAgeSeconds !== null && (
        <span class="under">its report is {lasting(reportAgeSeconds)} old: not known to hold</span>
      )}
      {held !== null && <span class="under">held: {held}</span>}
    </>
  );
}

function Nothing({ site }: { site: SiteView }) {
  return (
    <td colSpan={4} role="cell" data-label="Runs" class="quiet">
      {site.reportAgeSeconds === null ? "has reported nothing yet" : "nothing"}
    </td>
  );
}

function BundleCells({ bundle }: { bundle: BundleView }) {
  const { state, since, objects, version, digest, wanted } = bundle;
  const moves = wanted !== null && wanted.digest !== digest;
  const trouble = troubleOf(bundle);
  return (
    <>
      <td role="cell" data-label="Runs">
        {bundle.bundle} {digest !== null && <Version version={version} digest={digest} />}
        {moves && (
          <span class="under">
            should run <Version {...wanted} />
          </span>
        )}
      </td>
      <td role="cell" data-label="State">
        {STATE[state]}
        {since !== null && (
          <span class="under">
            <Ago at={since} />
          </span>
        )}
      </td>
      <td role="cell" data-label="Objects" class="number">
        {objects === null ? (
          <span class="quiet">–</span>
        ) : (
          <>
            <span class={objects.healthy < objects.total ? "short-of" : ""}>{objects.healthy}</span> of {objects.total}
            {objects.drifted > 0 && <span class="under">{objects.drifted} drifted</span>}
          </>
        )}
      </td>
      <td role="cell" data-label="Waiting on" class={trouble.length === 0 ? "none" : ""}>
        {trouble.map((words) => (
          <span key={words} class="trouble">
            {words}
          </span>
        ))}
      </td>
    </>
  );
}

function Version({ version, digest }: { version: string | null; digest: string }) {
  return (
    <code class="version" title={`digest ${digest}…`}>
      {version ?? digest.slice(0, 8)}
    </code>
  );
}
