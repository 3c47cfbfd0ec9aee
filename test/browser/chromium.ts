import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { AppError } from "../../shared/errors.ts";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The system's Chromium, or the one that SKERRY_CHROMIUM names. Throws `config` where there is none. */
export async function startChromium(): Promise<Browser> {
  const executablePath = process.env["SKERRY_CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new AppError("config", "there is no Chromium", {
      where: executablePath,
      fix: "apt-get install chromium, or name another one in SKERRY_CHROMIUM",
    });
  }
  return chromium.launch({ executablePath, args: ARGS });
}
