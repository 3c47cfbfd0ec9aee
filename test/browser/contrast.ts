import type { Page } from "playwright-core";

/** Text of which the contrast to what is behind it is under 4.5 to 1 (WCAG 2.2, 1.4.3), as `ratio words`. */
export function poorContrast(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    if (canvas === null) throw new Error("no canvas");
    // The canvas knows every notation of a colour, and blends as the page does.
    const painted = (layers: readonly string[]): number[] => {
      for (const layer of layers) {
        canvas.fillStyle = layer;
        canvas.fillRect(0, 0, 1, 1);
      }
      return Array.from(canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
    };
    const luminance = (colour: readonly number[]): number => {
      const [r = 0, g = 0, b = 0] = colour.map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = new Set<string>();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const words = walker.currentNode.textContent?.trim() ?? "";
      const element = walker.currentNode.parentElement;
      if (words === "" || element === null || element.closest(".hidden, script, noscript, option") !== null) continue;
      if (element.getClientRects().length === 0) continue;
      const behind: string[] = [];
      for (let at: Element | null = element; at !== null; at = at.parentElement)
        behind.unshift(getComputedStyle(at).backgroundColor);
      const back = luminance(painted(["white", ...behind]));
      const opacity = Number(getComputedStyle(element).opacity);
      canvas.globalAlpha = 1;
      painted(["white", ...behind]);
      canvas.globalAlpha = opacity;
      const front = luminance(painted([getComputedStyle(element).color]));
      canvas.globalAlpha = 1;
      const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
      if (ratio < 4.5) found.add(`${ratio.toFixed(2)} ${words.slice(0, 40)}`);
    }
    return [...found];
  });
}
