import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The YAML examples of a page, by section: each block that begins with `# <path>` is that file. */
export function examplesOf(page: string): { section: string; files: Record<string, string> }[] {
  const text = readFileSync(join(import.meta.dirname, "../../docs", page), "utf8");
  return text.split(/^## /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf("\n"));
    const blocks = [...part.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
    const files = blocks.map((block): [string, string] => {
      const path = /^# (\S+)\n/.exec(block)?.[1];
      if (path === undefined) throw new Error(`${page}, ${section}: an example that does not say which file it is`);
      return [path, block];
    });
    return files.length === 0 ? [] : [{ section, files: Object.fromEntries(files) }];
  });
}
