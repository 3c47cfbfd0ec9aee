import { signal } from "@preact/signals";
import type { Diff, DiffEntry } from "../../shared/diff.ts";
import type { PreviewView, RunView } from "../api/contract.ts";
import { counted } from "./words.ts";

/** Fetched when somebody opens their row, by run and hash; words where there is none. */
const diffs = signal<ReadonlyMap<string, Diff | string>>(new Map());

/** What a run would change: one row for all sites at which it is the same, the diff itself on demand. */
export function Preview({ run }: { run: RunView }) {
  const { preview } = run;
  if (preview === null) return null;
  const { rows, more, sites, of } = preview;
  return (
    <details class="preview">
      <summary>
        What would change: {counted(rows.length + more, "diff")}, prepared at {sites} of {counted(of, "site")}
      </summary>
      <ul>
        {rows.map((row) => (
          <li key={`${row.code} ${row.diff}`}>
            <Row run={run} row={row} />
          </li>
        ))}
      </ul>
      {more > 0 && <p class="quiet">and {more} more, each at fewer sites</p>}
    </details>
  );
}

function Row({ run, row }: { run: RunView; row: PreviewView["rows"][number] }) {
  const { code, diff, sites, first } = row;
  const told = (
    <>
      <span class="preview-sites">{counted(sites, "site")}</span>{" "}
      {code === null ? "ready" : <span class="preview-code">not ready: {code}</span>}{" "}
      <span class="quiet">
        {first.join(", ")}
        {sites > first.length && " ..."}
      </span>
    </>
  );
  if (diff === null) return <p class="preview-row">{told}</p>;
  return (
    <details class="preview-row" onToggle={({ currentTarget }) => currentTarget.open && void load(run, diff)}>
      <summary>{told}</summary>
      <Shown diff={diffs.value.get(keyOf(run, diff))} />
    </details>
  );
}

function Shown({ diff }: { diff: Diff | string | undefined }) {
  if (diff === undefined) return <p class="quiet">Asking the hub.</p>;
  if (typeof diff === "string") return <p class="quiet">{diff}</p>;
  return (
    <>
      <ul class="changes">
        {diff.objects.map((entry) => (
          <li key={entry.object}>
            <Entry entry={entry} />
          </li>
        ))}
      </ul>
      <p class="quiet">
        {diff.left !== undefined && `${counted(diff.left.count, "object")} more; `}
        {counted(diff.unchanged, "object")} unchanged
      </p>
    </>
  );
}

function Entry({ entry }: { entry: DiffEntry }) {
  const { object, action, fields = [], left, words, warnings = [] } = entry;
  return (
    <>
      <span class={`change change-${action}`}>{action.replace("-", " ")}</span> <code>{object}</code>
      {words !== undefined && <span> {words}</span>}
      {fields.map(({ path, from, to }) => (
        <div key={path} class="field">
          <code>{path}</code> {from !== undefined && <del>{from}</del>} {to !== undefined && <ins>{to}</ins>}
        </div>
      ))}
      {left !== undefined && <div class="field quiet">and {counted(left.count, "more field")}</div>}
      {warnings.map((text) => (
        <div key={text} class="field warning">
          {text}
        </div>
      ))}
    </>
  );
}

async function load(run: RunView, hash: string): Promise<void> {
  const key = keyOf(run, hash);
  if (typeof diffs.value.get(key) === "object") return;
  const path = `/api/v1/rollouts/${run.rollout}/runs/${run.id}/diffs/${hash}`;
  const found = await fetch(path).then(
    async (answer): Promise<Diff | string> =>
      answer.ok ? ((await answer.json()) as Diff) : "The hub does not have it yet: it asks one of these sites.",
    () => "The hub cannot be reached.",
  );
  diffs.value = new Map([...diffs.value, [key, found]]);
}

function keyOf(run: RunView, hash: string): string {
  return `${run.id} ${hash}`;
}
