import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";

/** What the browser is given beside the API: read once, for it comes with the program. */
export interface Page {
  path: string;
  type: string;
  body: string;
}

/** `folder` holds `app.js` and `app.css`, as the build makes them. Throws `config` where they are missing. */
export function pagesFrom(folder: string): Page[] {
  return [
    { path: "/", type: "text/html; charset=utf-8", body: INDEX },
    { path: "/icon.svg", type: "image/svg+xml", body: ICON },
    { path: "/app.js", type: "text/javascript; charset=utf-8", body: built(folder, "app.js") },
    { path: "/app.css", type: "text/css; charset=utf-8", body: built(folder, "app.css") },
  ];
}

function built(folder: string, file: string): string {
  const path = join(folder, file);
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("config", "the web page is not there", { where: path, cause, fix: "run `npm run build`" });
  }
}

const INDEX = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Skerry</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/app.css">
<script type="module" src="/app.js"></script>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript. The same facts are at /api/v1/fleet.</noscript>
</body>
</html>
`;

/** A rock in the waves. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0b4f6c"/>
<path d="M7 20 13 9l4 5 3-3 5 9z" fill="#fff"/>
<path d="M4 24q3-3 6 0t6 0 6 0 6 0" fill="none" stroke="#7fd1e8" stroke-width="2.2" stroke-linecap="round"/>
</svg>
`;
