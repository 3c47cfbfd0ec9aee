import { STYLE } from "./page-style.ts";
import { type BundleStatus, type Status, shown, spanOf, verdictOf } from "./status.ts";
import { details, facts } from "./text.ts";
import { waitsWords } from "./waiting.ts";

/**
 * The site page, whole: it asks nobody for anything else, works without script, and looks again by itself with it. `token` goes with the
 * form, so that no page of somebody else can press its buttons; `nonce` lets the one script and style run.
 */
export function pageOf(status: Status, { token, nonce }: { token: string; nonce: string }): string {
  const title = `${status.site}: ${verdictOf(status).words}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
${siteFacts(status)}
<section aria-labelledby="now">
<h2 id="now">Not now</h2>
${holdForm(status, token)}
</section>
</main>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`;
}

/** Looks again every few seconds, and takes over what is shown; the form stays as it is, with what somebody types. */
const SCRIPT = `
const look = async () => {
  if (document.hidden) return;
  const facts = document.getElementById("facts");
  try {
    const answer = await fetch("/", { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("facts");
    if (!answer.ok || fresh === null) throw new Error();
    if (fresh.innerHTML !== facts.innerHTML) facts.replaceWith(fresh);
    if (fresh.dataset.held !== facts.dataset.held) location.reload();
    document.title = page.title;
  } catch {
    facts.querySelector("#asof").textContent = "The agent does not answer: this is old.";
  }
};
setInterval(look, 5000);
document.addEventListener("visibilitychange", look);
`;

function siteFacts(status: Status): string {
  const { tone, words } = verdictOf(status);
  const { running, at, refusals, held } = status;
  const clock = running?.synced === false ? "by a clock that is not known to be right" : "";
  return `<div id="facts" data-held="${held === null ? "no" : "yes"}">
<header>
<p class="site">${escaped(status.site)} <span class="soft">of ${escaped(status.fleet)}</span></p>
<h1 class="${tone}"><span class="mark" aria-hidden="true">${MARK[tone]}</span>${escaped(words)}</h1>
<p class="soft" id="asof">${escaped(`As of ${at} ${clock}`.trim())}</p>
</header>
<section aria-labelledby="runs">
<h2 id="runs">What runs</h2>
${status.bundles.length === 0 ? '<p class="soft">Nothing yet.</p>' : status.bundles.map(bundleCard).join("\n")}
</section>
<section aria-labelledby="site">
<h2 id="site">This site</h2>
${list([...facts(status), ["agent", running === null ? status.agent : `${status.agent}, since ${running.since}`]])}
</section>
${refusals.length === 0 ? "" : refused(refusals)}
</div>`;
}

const MARK = { good: "✓", moving: "→", held: "‖", warn: "!", bad: "✕" } as const;

function bundleCard(bundle: BundleStatus): string {
  const { version, state, since, wanted, waitingOn } = bundle;
  const rows: [string, string][] = [
    ...(since === null ? [] : ([["since", since]] as [string, string][])),
    ...(wanted === null ? [] : ([["wanted", wanted]] as [string, string][])),
    ...(waitingOn === null ? [] : ([["waits", waitsWords(waitingOn)]] as [string, string][])),
    ...details(bundle),
  ];
  const runs = version === null ? "does not run" : version;
  const mark = state === "absent" ? "" : ` <span class="state ${state}">${state}</span>`;
  return `<article><h3>${escaped(bundle.bundle)} <span>${escaped(runs)}</span>${mark}</h3>
${list(rows)}</article>`;
}

function refused(refusals: Status["refusals"]): string {
  const rows = refusals.map(({ at, bundle, code, words }): [string, string] => [
    at,
    `${bundle === "" ? "" : `${bundle} `}${code}: ${words}`,
  ]);
  return `<section aria-labelledby="refused"><h2 id="refused">Refused</h2>${list(rows)}</section>`;
}

function holdForm({ held }: Status, token: string): string {
  const hidden = `<input type="hidden" name="token" value="${token}">`;
  const release = `<form method="post" action="/release">${hidden}<button>Release</button></form>`;
  if (held !== null) {
    return `<p>Held for ${spanOf(held.heldForSeconds)}. Nothing new starts; what runs is kept right all the same. It ends by itself in ${spanOf(held.leftSeconds)} at most.</p>
${release}`;
  }
  const times = HOLD_TIMES.map(([value, words]) => `<option value="${value}">${words}</option>`).join("");
  return `<p class="soft">Nothing new starts while the site is held; what runs is kept right all the same.</p>
<form method="post" action="/hold">${hidden}
<label>Why<input name="reason" maxlength="120" autocomplete="off"></label>
<label>For<select name="for">${times}</select></label>
<button>Hold</button>
</form>`;
}

export const HOLD_TIMES = [
  ["1h", "1 hour"],
  ["2h", "2 hours"],
  ["4h", "4 hours"],
  ["8h", "8 hours"],
  ["24h", "1 day"],
  ["", "until released"],
] as const;

function list(rows: readonly (readonly [string, string])[]): string {
  return `<dl>${rows.map(([name, words]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(words)}</dd></div>`).join("")}</dl>`;
}

function escaped(text: string): string {
  return shown(text).replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
