import { strict as assert } from "node:assert";
import type { Locator, Page } from "playwright-core";
import { accessibilityTree, faultsOf } from "./accessibility.ts";
import { poorContrast } from "./contrast.ts";
import { doubtful, NEEDED, TOLD } from "./doubtful.ts";
import { calm, crowd, DIFF, paused, prepared, rolling, SHOPS, soaking } from "./scene.ts";
import { type Stage, TOKEN } from "./stage.ts";

/** What must hold of the page. Each begins with a fresh page; it throws where something does not hold. */
export interface Check {
  what: string;
  run(stage: Stage): Promise<void>;
}

/** What a browser says of an answer that is an error, which the check at hand asked for. */
const REFUSED = /status of 4\d\d/;
const AWAY =
  /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|Failed to load resource/;

/** A page draws a moment after what it was told: asks again until it holds. */
async function counts(what: Locator, expected: number): Promise<void> {
  const end = performance.now() + 10_000;
  while ((await what.count()) !== expected) {
    assert.ok(performance.now() < end, `${what} are ${await what.count()}, not ${expected}`);
    await what.page().waitForTimeout(25);
  }
}

const row = (page: Page, site: string) => page.locator(`#site-${site}`);

export const CHECKS: readonly Check[] = [
  {
    what: "shows every site as a cell and as a row, with what it runs",
    run: async (stage) => {
      stage.hub.show(rolling(Date.now()));
      const page = await stage.open();
      await counts(page.locator(".cell"), SHOPS.length);
      const rows = page.locator(".site-table tbody");
      await counts(rows, 20);
      await page.getByRole("button", { name: "s-0026 healthy" }).click();
      await counts(rows, 21);
      await page.locator("#site-s-0026:focus").waitFor();
      await page.getByRole("button", { name: "List all" }).click();
      await counts(rows, SHOPS.length);
      const words = await row(page, "s-0005").innerText();
      for (const part of ["s-0005", "region=south", "pos", "1.2.0", "applying", "4 of 12", "Job shop/migrate-4"]) {
        assert.ok(words.includes(part), `${part} in: ${words}`);
      }
    },
  },
  {
    what: "shows a site that is away as offline, in cell and row, and as nothing that needs a person",
    run: async (stage) => {
      stage.hub.show(calm(Date.now()));
      const page = await stage.open();
      await page.getByRole("button", { name: "s-0019 offline" }).waitFor();
      assert.match(await row(page, "s-0019").innerText(), /offline[\s\S]*heard 2 h ago/);
      await page.getByText("Nothing. 1 site offline").waitFor();
      await stage.shot(page, "calm-light");
    },
  },
  {
    what: "shows a change without a reload, and moves the site's dot on",
    run: async (stage) => {
      stage.hub.show(rolling(Date.now()));
      const page = await stage.open();
      await page.evaluate(() => document.body.setAttribute("data-same", "yes"));
      const succeeded = page.locator(".lane-open").locator(".stage", { hasText: "Succeeded" });
      assert.equal(await succeeded.locator(".stage-count").innerText(), "2");
      stage.hub.show(soaking(Date.now()));
      await succeeded.getByText("s-0005").waitFor();
      await page.getByText("canary: 5 of 5 healthy for 6 of 10 min; offline s-0007").waitFor();
      assert.equal(await page.locator("body").getAttribute("data-same"), "yes");
      await stage.shot(page, "soaking-light");
    },
  },
  {
    what: "shows what a run would change as one row for all sites at which it is the same, and the diff when asked",
    run: async (stage) => {
      const scene = prepared(Date.now());
      stage.hub.show(scene);
      for (const { run } of scene.runs) stage.hub.diffs.set(`${run.id} ${"a".repeat(32)}`, DIFF);
      const page = await stage.open();
      const run = page.getByRole("article", { name: "pos 1.2.0" });
      await run.getByText("What would change: 3 diffs").click();
      assert.equal(await run.locator(".preview-row").count(), 3);
      assert.match(await run.locator(".preview-row").first().innerText(), /12 sites not ready: kube s-0007/);
      await run.getByText("4,800 sites").click();
      await run.getByText("/spec/replicas").waitFor();
      const shown = await run.locator(".changes").innerText();
      assert.match(shown, /delete\s+apps\/v1 Deployment shop\/old-till/);
      assert.match(shown, /till:1\.1\.0[\s\S]*till:1\.2\.0[\s\S]*would violate PodSecurity/);
      await stage.shot(page, "prepared-light");
      await stage.expecting(REFUSED, async () => {
        await run.getByText("188 sites").click();
        await run.getByText("The hub does not have it yet").waitFor();
      });
    },
  },
  {
    what: "says why a run is paused, first of all and at the run",
    run: async (stage) => {
      stage.hub.show(paused(Date.now()));
      const page = await stage.open();
      const needs = page.getByRole("region", { name: "Needs you now" });
      assert.match(await needs.innerText(), /pos 1\.2\.0 is paused[\s\S]*canary: 2 of 4 failed, over 2%/);
      assert.match(await needs.innerText(), /rollouts\/kiosk\.yaml starts nothing/);
      const run = page.getByRole("article", { name: "pos 1.2.0" });
      assert.match(await run.innerText(), /paused: canary: 2 of 4 failed, over 2%; s-0005 \(reverted, unhealthy\)/);
      assert.deepEqual(
        (await run.getByRole("button").allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " ")),
        ["Resume", "Promote", "Skip a site", "Retry failed", "Revert", "Abort"].map((verb) => `${verb} pos 1.2.0`),
      );
      await stage.shot(page, "paused-light");
    },
  },
  {
    what: "says before a run is sent back whom that would not reach, and which Jobs it does not undo",
    run: async (stage) => {
      stage.hub.show(paused(Date.now()));
      stage.hub.back = {
        sites: 41,
        left: [{ site: "s-0007", code: "floor", why: "a phase without return is through there" }],
        jobs: [{ job: "shop/migrate-4 of 1.2.0: complete", sites: 40 }],
      };
      const page = await stage.open();
      await page.getByRole("article", { name: "pos 1.2.0" }).getByRole("button", { name: "Revert" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("41 sites would be sent back").waitFor();
      const words = await dialog.innerText();
      assert.match(words, /not undone[\s\S]*shop\/migrate-4 of 1\.2\.0: complete, at 40 sites/);
      assert.match(words, /1 site may not go back[\s\S]*s-0007 a phase without return/);
      await stage.shot(page, "revert-light");
      await dialog.getByRole("button", { name: "Cancel" }).click();
    },
  },
  {
    what: "shows at the site, and counts first of all, what the root, the heads and the records say",
    run: async (stage) => {
      stage.hub.show(doubtful(Date.now()));
      const page = await stage.open();
      const needs = await page.getByRole("region", { name: "Needs you now" }).innerText();
      for (const words of NEEDED) assert.match(needs, words);
      assert.ok(!needs.includes("s-0014"), "a retired site needs nobody");
      for (const [site, words] of TOLD) {
        await page.getByRole("button", { name: new RegExp(`^${site} `) }).click();
        await page.locator(`#site-${site}:focus`).waitFor();
        assert.match(await row(page, site).innerText(), words);
      }
      await page.getByText("2 sites running on what would not").click();
      await counts(page.locator(".site-table tbody"), 2);
      assert.match(page.url(), /\?is=flagged/);
      await page.getByRole("button", { name: "2 flagged", exact: true }).click();
      await page.getByRole("button", { name: "1 retired", exact: true }).click();
      await counts(page.locator(".cell"), 1);
    },
  },
  {
    what: "shows words of sites and people as words, never as markup",
    run: async (stage) => {
      const page = await stage.open();
      await page.getByText("<img src=x onerror=").waitFor();
      await counts(page.locator("img"), 0);
      assert.equal(await page.title(), "shops · Skerry");
    },
  },
  {
    what: "carries out a verb with name, reason and token, and shows a refusal in the dialog",
    run: async (stage) => {
      stage.hub.show(rolling(Date.now()));
      const page = await stage.open();
      await page.getByRole("button", { name: "Pause pos 1.2.0" }).press("Enter");
      const dialog = page.getByRole("dialog", { name: "Pause pos 1.2.0" });
      await dialog.getByLabel("Your name").fill("Ann");
      await dialog.getByLabel("Reason").fill("the tills are busy");
      await dialog.getByLabel("Token", { exact: true }).fill("wrong");
      await stage.expecting(REFUSED, async () => {
        await page.keyboard.press("Enter");
        await dialog.getByRole("alert").getByText("carries no token that this hub knows").waitFor();
      });
      await stage.shot(page, "dialog-light", false);
      await dialog.getByLabel("Token", { exact: true }).fill(TOKEN);
      await dialog.getByRole("button", { name: "Pause" }).click();
      await page.getByText("paused: by Ann (by the hub's token): the tills are busy").waitFor();
      await counts(page.locator("dialog[open]"), 0);
      await page.getByRole("button", { name: "Abort pos 1.2.0" }).press("Enter");
      await page.getByRole("dialog", { name: "Abort pos 1.2.0" }).waitFor();
      await page.keyboard.press("Escape");
      await counts(page.locator("dialog[open]"), 0);
    },
  },
  {
    what: "filters by words, condition and group, and keeps that in the address",
    run: async (stage) => {
      stage.hub.show(paused(Date.now()));
      const page = await stage.open();
      await page.getByLabel("Find").fill("region=north");
      await counts(page.locator(".site-table tbody"), 9);
      await page.getByRole("button", { name: "2 offline", exact: true }).click();
      await counts(page.locator(".site-table tbody"), 2);
      await page.getByLabel("Group by").selectOption("ring");
      await page.getByRole("heading", { name: /^canary 1 site/ }).waitFor();
      assert.match(page.url(), /\?find=region%3Dnorth&is=offline&by=ring$/);
      await page.reload();
      await page.getByRole("heading", { name: /^canary 1 site/ }).waitFor();
      await counts(page.locator(".site-table tbody"), 2);
    },
  },
  {
    what: "can be worked with the keyboard: each control is reached in order, and shows that it is",
    run: async (stage) => {
      stage.hub.show(paused(Date.now()));
      const page = await stage.open();
      const reached: string[] = [];
      for (;;) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
          const element = document.activeElement;
          if (!(element instanceof HTMLElement) || element === document.body) return null;
          const name = element.closest("label")?.firstChild?.textContent ?? element.innerText;
          return { name: name.replaceAll(/\s+/g, " ").trim(), outline: getComputedStyle(element).outlineStyle };
        });
        if (at === null) break;
        assert.notEqual(at.outline, "none", `${at.name} shows that it has the focus`);
        reached.push(at.name);
      }
      const order = [
        "Skip to the sites",
        "pos 1.2.0 is paused",
        "Resume pos 1.2.0",
        "Abort pos 1.2.0",
        "3 waves",
        "Find",
        "Group by",
        "s-0001 healthy",
        "s-0026 unknown",
      ];
      const places = order.map((name) => reached.indexOf(name));
      assert.ok(
        places.every((place) => place >= 0),
        `reached ${reached.join(" | ")}`,
      );
      assert.deepEqual(
        places.toSorted((a, b) => a - b),
        places,
      );
    },
  },
  {
    what: "says when the hub is away and what it shows is old, and goes on by itself when it is back",
    run: async (stage) => {
      stage.hub.show(rolling(Date.now()));
      const page = await stage.open();
      await page.evaluate(() => document.body.setAttribute("data-same", "yes"));
      await stage.expecting(AWAY, async () => {
        await stage.stopHub();
        await page.getByText(/Hub not reached since \d\d:\d\d:\d\d/).waitFor();
        await stage.shot(page, "lost-light", false);
        stage.hub.show(paused(Date.now()));
        await stage.startHub();
        await page.getByText("Live", { exact: true }).waitFor();
      });
      await page.getByText("pos 1.2.0 is paused").waitFor();
      assert.equal(await page.locator("body").getAttribute("data-same"), "yes");
    },
  },
  {
    what: "gives a screen reader headings, names, a table with headers and live regions",
    run: async (stage) => {
      for (const scene of [rolling, paused, doubtful, calm]) {
        stage.hub.show(scene(Date.now()));
        const page = await stage.open();
        assert.deepEqual(faultsOf(await accessibilityTree(page)), []);
        const narrow = await stage.open({ viewport: { width: 400, height: 800 } });
        const missing = faultsOf(await accessibilityTree(narrow)).filter((fault) => fault !== "no columnheader");
        assert.deepEqual(missing, [], "laid out as cards");
      }
    },
  },
  {
    what: "has a contrast of 4.5 to 1 in light and dark",
    run: async (stage) => {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const scene of [rolling, paused, doubtful, calm]) {
          stage.hub.show(scene(Date.now()));
          const page = await stage.open({ colorScheme });
          assert.deepEqual(await poorContrast(page), [], colorScheme);
          if (scene !== calm) await stage.shot(page, `${scene.name}-${colorScheme}`);
          if (scene !== rolling) continue;
          await page.getByRole("button", { name: "Pause pos 1.2.0" }).click();
          assert.deepEqual(await poorContrast(page), [], `dialog, ${colorScheme}`);
        }
      }
    },
  },
  {
    what: "fits a screen of 400 px without scrolling sideways",
    run: async (stage) => {
      for (const scene of [rolling, paused, doubtful]) {
        stage.hub.show(scene(Date.now()));
        const page = await stage.open({ viewport: { width: 400, height: 800 }, deviceScaleFactor: 2 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= 400, `${wide} px wide`);
        await stage.shot(page, `${scene.name}-narrow`);
      }
    },
  },
  {
    what: "shows a fleet of 2000",
    run: async (stage) => {
      stage.hub.show(crowd(2000, Date.now()));
      const page = await stage.open();
      await counts(page.locator(".cell"), 2000);
      await page.getByText("20 of 2,000 sites listed").waitFor();
      await page.getByRole("button", { name: "List 300" }).click();
      await page.getByText("300 of 2,000 sites listed").waitFor();
      await page.getByLabel("Find").fill("s-01999");
      await counts(page.locator(".site-table tbody"), 1);
      await page.getByLabel("Find").fill("");
      await stage.shot(page, "crowd-light", false);
    },
  },
  {
    what: "wrote no error to its console and asked no other host, in all of the above",
    run: async ({ complaints }) => assert.deepEqual(complaints, []),
  },
];
