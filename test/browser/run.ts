/** `npm run test:browser`: both pages in a real Chromium, over a hub and a site that show what the checks say. Closes with one line of counts. */
import { inWords } from "../../shared/errors.ts";
import { type Counts, closeWith } from "../support/run-vitest.ts";
import { CHECKS } from "./checks.ts";
import { startChromium } from "./chromium.ts";
import { calm } from "./scene.ts";
import { SITE_CHECKS, SiteStage } from "./site-page.ts";
import { Stage } from "./stage.ts";

async function main(): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const browser = await startChromium();
  const stage = new Stage(browser, calm(Date.now()));
  const site = new SiteStage(browser);
  const attempt = async (what: string, run: () => Promise<void>): Promise<void> => {
    try {
      await run();
      counts.passed += 1;
      process.stdout.write(`ok: ${what}\n`);
    } catch (error) {
      counts.failed += 1;
      const words = error instanceof Error ? error.message.replaceAll("\n", "\n  ") : error;
      process.stdout.write(`failed: ${what}\n  ${words}\n`);
    }
  };
  try {
    await stage.startHub();
    for (const { what, run } of CHECKS) {
      await attempt(what, () => run(stage));
      await stage.closePages();
    }
    await site.start();
    for (const { what, run } of SITE_CHECKS) await attempt(what, () => run(site));
  } finally {
    await browser.close();
    await stage.stopHub();
    site.stop();
  }
  return counts;
}

try {
  closeWith(await main());
} catch (error) {
  process.stderr.write(`${inWords(error)}\n`);
  closeWith({ passed: 0, failed: 1, skipped: 0 });
}
