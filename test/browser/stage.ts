import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { type Api, apiServer } from "../../hub/api/server.ts";
import type { Snapshot } from "../../hub/api/snapshot.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { quiet, ScriptedHub } from "../hub/api/hub.ts";
import { inWords } from "../hub/api/sample.ts";
import { eventsFor } from "./scene.ts";

const ASSETS = join(import.meta.dirname, "../../dist/ui");
const SHOTS = join(import.meta.dirname, "shots");

export const TOKEN = "a-long-random-word";

/** A hub on 127.0.0.1 that shows what the test says, and a browser that looks at it. */
export class Stage {
  readonly hub: ScriptedHub;
  /** What a page must never do: errors in its console, words to any other host. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  #api: Api | null = null;
  #port = 0;
  /** Kinds of console errors that the check at hand brings about itself. */
  #expected: RegExp | null = null;
  readonly #contexts: BrowserContext[] = [];

  constructor(browser: Browser, first: Snapshot) {
    this.#browser = browser;
    this.hub = new ScriptedHub(first);
    this.hub.stored.push(...eventsFor(Date.now()));
    mkdirSync(SHOTS, { recursive: true });
  }

  async startHub(): Promise<void> {
    const { hub } = this;
    this.#api = await apiServer({
      host: "127.0.0.1",
      port: this.#port,
      assets: ASSETS,
      token: TOKEN,
      clock: systemClock,
      log: quiet,
      inWords,
      read: () => ({ ...hub.read(), now: Date.now() }),
      subscribe: (onChange) => hub.subscribe(onChange),
      events: (query) => hub.events(query),
      diff: (run, hash) => hub.diff(run, hash),
      wayBack: (run) => hub.wayBack(run),
      person: (hash) => hub.person(hash),
      wake: () => {},
      act: (act) => hub.act(act),
      startAgain: (start) => hub.startAgain(start),
    });
    this.#port = Number(new URL(this.#api.url).port);
  }

  async stopHub(): Promise<void> {
    await this.#api?.stop();
    this.#api = null;
  }

  /** Opens the page and waits until it is live. */
  async open(options: BrowserContextOptions = {}, query = ""): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width: 1360, height: 900 }, ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && this.#expected?.test(text) !== true) this.complaints.push(`console: ${text}`);
    });
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
    page.on("request", (request) => {
      const { host, protocol } = new URL(request.url());
      if (protocol !== "data:" && host !== `127.0.0.1:${this.#port}`) this.complaints.push(`asked ${request.url()}`);
    });
    await page.goto(`http://127.0.0.1:${this.#port}/${query}`);
    await page.getByText("Live", { exact: true }).waitFor();
    return page;
  }

  async expecting<T>(errors: RegExp, work: () => Promise<T>): Promise<T> {
    this.#expected = errors;
    try {
      return await work();
    } finally {
      this.#expected = null;
    }
  }

  async shot(page: Page, name: string, fullPage = true): Promise<void> {
    await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage, animations: "disabled" });
  }

  async closePages(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
  }
}
