/** `npm run test:browser`: the page in a real Chromium, over a hub that shows what the checks say. Closes with one line of counts. */
import { inWords } from "../../shared/errors.ts";
import { type Counts, closeWith } from "../support/run-vitest.ts";
import { CHECKS } from "./checks.ts";
import { startChromium } from "./chromium.ts";
import { calm } from "./scene.ts";
import { Stage } from "./stage.ts";

async function main(): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const browser = await startChromium();
  const stage = new Stage(browser, calm(Date.now()));
  try {
    await stage.startHub();
    for (const { what, run } of CHECKS) {
      try {
        await run(stage);
        counts.passed += 1;
        process.stdout.write(`ok: ${what}\n`);
      } catch (error) {
        counts.failed += 1;
        process.stdout.write(
          `failed: ${what}\n  ${error instanceof Error ? error.message.replaceAll("\n", "\n  ") : error}\n`,
        );
      } finally {
        await stage.closePages();
      }
    }
  } finally {
    await browser.close();
    await stage.stopHub();
  }
  return counts;
}

try {
  closeWith(await main());
} catch (error) {
  process.stderr.write(`${inWords(error)}\n`);
  closeWith({ passed: 0, failed: 1, skipped: 0 });
}
