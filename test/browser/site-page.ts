import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { serveLocal } from "../../agent/local/server.ts";
import type { Status } from "../../agent/local/status.ts";
import { systemClock } from "../../shared/node/clock.ts";
import { SCENES, siteAt } from "../agent/local/sample.ts";
import { accessibilityTree, faultsOf } from "./accessibility.ts";
import { poorContrast } from "./contrast.ts";

const SHOTS = join(import.meta.dirname, "shots");
const PHONE = { viewport: { width: 360, height: 740 } };

/** The site page over a site that is as a check says, and a browser that looks at it. */
export class SiteStage {
  status: Status = siteAt();
  readonly acts: unknown[] = [];
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #dir = mkdtempSync(join(tmpdir(), "skerry-page-"));
  #url = "";
  #close = () => {};

  constructor(browser: Browser) {
    this.#browser = browser;
    mkdirSync(SHOTS, { recursive: true });
  }

  async start(): Promise<void> {
    const port = await new Promise<number>((resolve) => {
      this.#close = serveLocal(
        {
          status: () => this.status,
          metrics: () => "",
          hold: (ask) => {
            this.acts.push(ask);
            this.status = SCENES["held"] ?? siteAt();
          },
          release: () => {
            this.acts.push("release");
            this.status = siteAt();
          },
          pull: () => {},
          clock: systemClock,
          log: {
            debug() {},
            warn() {},
            error() {},
            info: (fields) => {
              const { at } = fields as { at: string | { port: number } };
              if (typeof at === "object") resolve(at.port);
            },
          },
        },
        { listen: "127.0.0.1:0", socket: join(this.#dir, "local/agent.sock") },
      );
    });
    this.#url = `http://127.0.0.1:${port}/`;
  }

  stop(): void {
    this.#close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async open(scene: keyof typeof SCENES, options: BrowserContextOptions = {}): Promise<Page> {
    this.status = SCENES[scene] ?? siteAt();
    const context = await this.#browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.#url)) this.complaints.push(`asked ${request.url()}`);
    });
    await page.goto(this.#url);
    return page;
  }

  async shot(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(SHOTS, `site-${name}.png`), fullPage: true, animations: "disabled" });
  }
}

export const SITE_CHECKS: readonly { what: string; run(stage: SiteStage): Promise<void> }[] = [
  {
    what: "the site page can be read in both schemes and on a phone, whatever there is to say",
    run: async (stage) => {
      for (const scene of Object.keys(SCENES)) {
        for (const colorScheme of ["light", "dark"] as const) {
          for (const [size, options] of [
            ["wide", {}],
            ["phone", PHONE],
          ] as const) {
            const page = await stage.open(scene, { colorScheme, ...options });
            assert.deepEqual(await poorContrast(page), [], `${scene} ${colorScheme}`);
            assert.deepEqual(faultsOf(await accessibilityTree(page), ["main"]), [], scene);
            const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(over <= 0, `${scene} is ${over} px too wide on ${size}`);
            await stage.shot(page, `${scene}-${colorScheme}-${size}`);
            await page.context().close();
          }
        }
      }
      assert.deepEqual(stage.complaints, []);
    },
  },
  {
    what: "the site page holds and releases by the keyboard alone, with and without script",
    run: async (stage) => {
      for (const javaScriptEnabled of [true, false]) {
        stage.acts.splice(0);
        const page = await stage.open("well", { javaScriptEnabled });
        await page.keyboard.press("Tab");
        await page.keyboard.type("a sale & more");
        await page.keyboard.press("Tab");
        await page.keyboard.press("ArrowDown");
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Held: nothing new starts" }).waitFor();
        await page.getByRole("button", { name: "Release" }).press("Enter");
        await page.getByRole("heading", { name: "All is well" }).waitFor();
        assert.deepEqual(stage.acts, [{ reason: "a sale & more", forMs: 7_200_000 }, "release"]);
        await page.context().close();
      }
      assert.deepEqual(stage.complaints, []);
    },
  },
  {
    what: "the site page looks again by itself, keeps what is being typed, and says when nobody answers",
    run: async (stage) => {
      const page = await stage.open("well");
      await page.getByLabel("Why").fill("half a sente");
      stage.status = siteAt({ bundles: [] });
      await page.getByRole("heading", { name: "Nothing runs here yet" }).waitFor({ timeout: 20_000 });
      assert.equal(await page.getByLabel("Why").inputValue(), "half a sente");
      await page.route("**/*", (route) => route.abort());
      await page.getByText("The agent does not answer: this is old.").waitFor({ timeout: 20_000 });
      await page.context().close();
      stage.complaints.splice(0);
    },
  },
];
