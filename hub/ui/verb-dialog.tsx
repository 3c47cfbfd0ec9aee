import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Verb } from "../../shared/verbs.ts";
import type { ReturnView, RunView } from "../api/contract.ts";
import type { Problem } from "../api/contract-verb.ts";
import { counted, VERB } from "./words.ts";

interface Asked {
  run: RunView;
  verb: Verb;
}

const asked = signal<Asked | null>(null);
const problem = signal<Pick<Problem, "detail" | "fix"> | null>(null);
/** Null until the hub has said it; words where it has not. */
const back = signal<ReturnView | string | null>(null);
const sending = signal(false);
/** Kept while the page lives, and nowhere else. */
const person = signal({ who: "", token: "" });

export function askFor(run: RunView, verb: Verb): void {
  problem.value = null;
  asked.value = { run, verb };
  back.value = null;
  if (verb === "revert") void look(run);
}

/** What going back would do, said before it is asked for. */
async function look({ rollout, id }: RunView): Promise<void> {
  const found = await fetch(`/api/v1/rollouts/${rollout}/runs/${id}/return`).then(
    async (answer): Promise<ReturnView | string> =>
      answer.ok ? ((await answer.json()) as ReturnView) : "The hub does not say what going back would do.",
    () => "The hub cannot be reached.",
  );
  if (asked.value?.run.id === id) back.value = found;
}

function WayBack() {
  const found = back.value;
  if (found === null) return <p class="quiet">Asking the hub what that would do.</p>;
  if (typeof found === "string") return <p class="quiet">{found}</p>;
  const { sites, left, jobs } = found;
  return (
    <div class="way-back">
      <p>{counted(sites, "site")} would be sent back.</p>
      {jobs.length > 0 && (
        <>
          <p>Jobs that ran are not undone: data does not go back.</p>
          <ul>
            {jobs.map(({ job, sites }) => (
              <li key={job}>
                <code>{job}</code>, at {counted(sites, "site")}
              </li>
            ))}
          </ul>
        </>
      )}
      {left.length > 0 && (
        <>
          <p>{counted(left.length, "site")} may not go back:</p>
          <ul class="left">
            {left.map(({ site, why }) => (
              <li key={site}>
                <code>{site}</code> {why}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** Every verb wants a person and a reason, and the token that proves the right to it. */
export function VerbDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const current = asked.value;
  useEffect(() => {
    if (current !== null) dialog.current?.showModal();
    else dialog.current?.close();
  }, [current]);
  return (
    <dialog ref={dialog} aria-labelledby="verb-title" onCancel={() => (asked.value = null)}>
      {current !== null && <VerbForm {...current} />}
    </dialog>
  );
}

function VerbForm({ run, verb }: Asked) {
  const { word, means } = VERB[verb];
  return (
    <form onSubmit={(event) => void submit(event, { run, verb })}>
      <h2 id="verb-title">
        {word} {run.bundle} {run.version}
      </h2>
      <p>{means}</p>
      {verb === "revert" && <WayBack />}
      {verb === "skip" && (
        <label>
          Site
          <input name="site" required maxLength={63} autocomplete="off" />
        </label>
      )}
      <label>
        Your name, where the token is not your own
        <input name="who" maxLength={100} autocomplete="name" defaultValue={person.value.who} />
      </label>
      <label>
        Reason
        <input name="reason" required maxLength={300} autocomplete="off" placeholder="for those who read the log" />
      </label>
      <label>
        Token
        <input name="token" type="password" required autocomplete="off" defaultValue={person.value.token} />
      </label>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value.detail}
          {problem.value.fix !== undefined && <span class="fix">{problem.value.fix}</span>}
        </p>
      )}
      <div class="verbs">
        <button type="button" class="verb" onClick={() => (asked.value = null)}>
          Cancel
        </button>
        <button type="submit" class={`verb verb-${verb} verb-sure`} disabled={sending.value}>
          {word}
        </button>
      </div>
    </form>
  );
}

async function submit(event: SubmitEvent, { run, verb }: Asked): Promise<void> {
  event.preventDefault();
  const form = new FormData(event.currentTarget as HTMLFormElement);
  const field = (name: string) => String(form.get(name) ?? "").trim();
  person.value = { who: field("who"), token: field("token") };
  problem.value = null;
  sending.value = true;
  try {
    const response = await fetch(`/api/v1/rollouts/${run.rollout}/runs/${run.id}/${verb}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${field("token")}` },
      body: JSON.stringify({
        ...(field("who") !== "" && { who: field("who") }),
        reason: field("reason"),
        // A run that moved on while this form was open refuses.
        ...(run.wave !== null && { wave: run.wave }),
        ...(verb === "skip" && { site: field("site") }),
      }),
    });
    // The stream shows the run as it is now.
    if (response.ok) asked.value = null;
    else problem.value = (await response.json()) as Problem;
  } catch {
    problem.value = {
      detail: "The hub was not reached: it is not known whether it took this.",
      fix: "Look at the run before trying again.",
    };
  } finally {
    sending.value = false;
  }
}
