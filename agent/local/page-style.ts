/** The colours are those of the hub's page. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f4f6f8; --panel: #fff; --text: #17212b; --soft: #52606d; --line: #dde3e9; --edge: #8694a1;
  --link: #0b5c80; --good: #17713f; --moving: #1d5fc0; --bad: #b9242f; --warn: #8d5200; --held: #6a4fa3; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0e141a; --panel: #151d25; --text: #e3e9ee; --soft: #9fadba; --line: #27323d; --edge: #6d7c8a;
    --link: #7cc7e8; --good: #52c98a; --moving: #77aeff; --bad: #ff8389; --warn: #e6ad55; --held: #b7a2f2; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Noto Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
main { max-width: 760px; margin: 0 auto; padding: 20px 16px 56px; }
h1, h2, h3, p, dl, dd { margin: 0; }
h1 { display: flex; gap: 10px; align-items: baseline; margin: 4px 0; font-size: 26px; line-height: 1.25; }
h2 { margin: 28px 0 8px; font-size: 12px; letter-spacing: .05em; text-transform: uppercase; color: var(--soft); }
h3 { display: flex; flex-wrap: wrap; gap: 8px; align-items: baseline; font-size: 17px; }
.site { font-weight: 600; }
.soft { color: var(--soft); font-weight: 400; }
.good, .committed { color: var(--good); } .moving, .applying, .verifying { color: var(--moving); } .held { color: var(--held); }
.warn, .reverting, .reverted { color: var(--warn); } .bad, .failed, .stuck { color: var(--bad); } .absent { color: var(--soft); }
.mark { flex: none; width: 1.2em; text-align: center; }
.state { font-size: 13px; font-weight: 600; }
article, section > dl, form { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
article + article { margin-top: 10px; }
article dl { margin-top: 6px; }
dl > div { display: grid; grid-template-columns: 8.5em 1fr; gap: 10px; padding: 2px 0; }
dt { color: var(--soft); }
p + form { margin-top: 8px; }
form { display: flex; flex-wrap: wrap; gap: 10px 14px; align-items: end; }
label { display: grid; gap: 2px; color: var(--soft); font-size: 13px; }
label:first-of-type { flex: 1 1 14em; }
input, select, button { font: inherit; font-size: 15px; color: var(--text); background: var(--ground); border: 1px solid var(--edge);
  border-radius: 6px; padding: 7px 10px; min-height: 40px; width: 100%; }
button { width: auto; padding: 7px 18px; font-weight: 600; cursor: pointer; color: var(--panel); background: var(--link); border-color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
@media (max-width: 480px) { dl > div { grid-template-columns: 1fr; gap: 0; padding: 4px 0; } h1 { font-size: 22px; } button { width: 100%; } }
`;
