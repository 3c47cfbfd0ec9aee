import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { BundleView, SiteView } from "../api/contract.ts";
import { Ago } from "./clock.tsx";
import { concernsOf } from "./concerns.ts";
import { Badge, Mark } from "./mark.tsx";
import {
  CONDITION,
  CONNECTION,
  counted,
  flagWords,
  lasting,
  type MarkName,
  newsWords,
  STATE,
  type Tone,
  troubleOf,
} from "./words.ts";

/** Those that want attention come first, so few rows say most; and a table of thousands is read by nobody. */
const FEW_ROWS = 20;
const MOST_ROWS = 300;
const ORDER = Object.keys(CONDITION);
/** What is worth knowing comes after what is wrong, and before what is well. */
const CONCERNED = ORDER.indexOf("offline") - 0.5;
const COLUMNS = ["Site", "Labels", "Connection", "Runs", "State", "Objects", "Waiting on"] as const;

/** The site that somebody picked among the cells: its row is shown whatever else is. */
export const picked = signal<string | null>(null);
const all = signal(false);

/**
 * The roles repeat what the elements mean, because a narrow screen lays the rows out as cards, and a browser may take a
 * laid-out table for none.
 */
export function SiteTable({ sites }: { sites: readonly SiteView[] }) {
  const rank = (site: SiteView) => {
    const place = ORDER.indexOf(site.condition);
    return concernsOf(site).length > 0 ? Math.min(place, CONCERNED) : place;
  };
  const sorted = sites.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  const most = all.value ? MOST_ROWS : FEW_ROWS;
  const id = picked.value;
  const rows = sorted.filter((site, index) => index < most || site.id === id);
  useEffect(() => {
    if (id !== null) document.getElementById(`site-${id}`)?.focus();
  }, [id]);
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
        {rows.map((site) => (
          <SiteRows key={site.id} site={site} isPicked={site.id === id} />
        ))}
      </table>
      {rows.length < sorted.length && (
        <p class="more quiet">
          {rows.length} of {counted(sorted.length, "site")} listed.{" "}
          {all.value ? (
            "Narrow the filter to see others."
          ) : (
            <button type="button" class="verb" onClick={() => (all.value = true)}>
              {sorted.length <= MOST_ROWS ? "List all" : `List ${MOST_ROWS}`}
            </button>
          )}
        </p>
      )}
    </>
  );
}

/** One row for each bundle; what is the site's own spans them. */
function SiteRows({ site, isPicked }: { site: SiteView; isPicked: boolean }) {
  const { id, labels, condition, bundles } = site;
  const span = Math.max(1, bundles.length);
  const [first, ...others] = bundles;
  return (
    <tbody id={`site-${id}`} role="rowgroup" tabIndex={-1} class={isPicked ? "picked" : ""}>
      <tr role="row">
        <th scope="rowgroup" rowSpan={span} role="rowheader">
          <code class="site-id">{id}</code> <Badge sign={CONDITION[condition]} />
        </th>
        <Cell label="Labels" rowSpan={span}>
          {Object.entries(labels).map(([key, value]) => (
            <span key={key} class="label">
              {key}=<b>{value}</b>
            </span>
          ))}
        </Cell>
        <Cell label="Connection" rowSpan={span}>
          <Connection site={site} />
        </Cell>
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

interface CellProps {
  label: (typeof COLUMNS)[number];
  rowSpan?: number;
  colSpan?: number;
  empty?: boolean;
  children: ComponentChildren;
}

function Cell({ label, rowSpan = 1, colSpan = 1, empty = false, children }: CellProps) {
  return (
    <td rowSpan={rowSpan} colSpan={colSpan} role="cell" data-label={label} class={empty ? "empty" : ""}>
      <div>{children}</div>
    </td>
  );
}

function Connection({ site }: { site: SiteView }) {
  const { connection, lastHeard, stale, reportAgeSeconds, held, barred, withheld } = site;
  const news = newsWords(site);
  return (
    <>
      {CONNECTION[connection]}
      {lastHeard !== null && (
        <span class="beside">
          heard <Ago at={lastHeard} />
        </span>
      )}
      {stale && reportAgeSeconds !== null && (
        <span class="beside">report {lasting(reportAgeSeconds)} old, not known to hold</span>
      )}
      {held !== null && <span class="beside">held: {held}</span>}
      {news !== null && withheld === null && <span class="beside">{news}</span>}
      {news !== null && withheld !== null && (
        <Note tone="warn" mark="clock">
          {news}
        </Note>
      )}
      {barred !== null && (
        <Note tone="bad" mark="cross">
          gets nothing new: {barred}
        </Note>
      )}
    </>
  );
}

function Note({ tone, mark, children }: { tone: Tone; mark: MarkName; children: ComponentChildren }) {
  return (
    <span class={`note tone-${tone}`}>
      <Mark name={mark} />
      <span>{children}</span>
    </span>
  );
}

function Nothing({ site }: { site: SiteView }) {
  return (
    <Cell label="Runs" colSpan={4}>
      <span class="quiet">{site.reportAgeSeconds === null ? "has reported nothing yet" : "nothing"}</span>
    </Cell>
  );
}

function BundleCells({ bundle }: { bundle: BundleView }) {
  const { state, since, objects, version, digest, values, record, wanted, flags, epoch, ahead } = bundle;
  const trouble = troubleOf(bundle);
  return (
    <>
      <Cell label="Runs">
        {bundle.bundle} {digest !== null && <Version version={version} digest={digest} />}
        {wanted !== null && (wanted.digest !== digest || wanted.values !== values || wanted.record !== record) && (
          <span class="beside">
            should run <Version {...wanted} />
            {wanted.digest === digest &&
              (wanted.values === values ? ` with record ${wanted.record}` : " with other values")}
          </span>
        )}
        {flags.map((flag) => (
          <Note key={flag} tone="warn" mark="bang">
            {flagWords(flag, epoch)}
          </Note>
        ))}
        {ahead !== null && (
          <Note tone="away" mark="ahead">
            ahead of {ahead.version}, which run {ahead.run} brings: left alone
          </Note>
        )}
      </Cell>
      <Cell label="State">
        {STATE[state]}
        {since !== null && (
          <span class="beside">
            <Ago at={since} />
          </span>
        )}
      </Cell>
      <Cell label="Objects" empty={objects === null}>
        {objects !== null && (
          <>
            <span class={objects.healthy < objects.total ? "short-of" : ""}>{objects.healthy}</span> of {objects.total}
            {objects.drifted > 0 && <span class="beside">{objects.drifted} drifted</span>}
          </>
        )}
      </Cell>
      <Cell label="Waiting on" empty={trouble.length === 0}>
        {trouble.map((words) => (
          <span key={words} class="trouble">
            {words}
          </span>
        ))}
      </Cell>
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
