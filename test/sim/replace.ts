import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Exported functions of the product that this process may exchange while it runs, without a seam in the product: a module named here
 * is loaded behind a stand-in that passes everything through. Called before anything of the product is imported.
 */
export type Functions = Readonly<Record<string, readonly string[]>>;

// oxlint-disable-next-line typescript/no-explicit-any -- functions of any shape pass through
type Any = (...args: any[]) => any;

const slots = new Map<string, { real: Any; now: Any }>();
const ROOT = pathToFileURL(join(import.meta.dirname, "../..")).href;
const REAL = "?real";

export function makeReplaceable(functions: Functions): void {
  registerHooks({
    load(url, context, next) {
      const names = functions[url.slice(ROOT.length + 1)];
      if (names === undefined) return next(url, context);
      const module = url.slice(ROOT.length + 1);
      const real = JSON.stringify(url + REAL);
      const lines = names.map(
        (name) => `export const ${name} = slot(${JSON.stringify(`${module} ${name}`)}, real.${name});`,
      );
      const source = [
        `import { slot } from ${JSON.stringify(import.meta.url)};`,
        `import * as real from ${real};`,
        `export * from ${real};`,
        ...lines,
      ].join("\n");
      return { format: "module", shortCircuit: true, source };
    },
  });
}

/** Called by the stand-ins. @public */
export function slot(key: string, real: Any): Any {
  const held = { real, now: real };
  slots.set(key, held);
  return (...args: unknown[]) => held.now(...args);
}

/** Until `restore`, or until what this returns is called. `key` is the module's path and the function's name, with a blank between. */
export function replace(key: string, wrap: (real: Any) => Any): () => void {
  const held = slots.get(key);
  if (held === undefined) throw new Error(`${key} is not among the functions that can be replaced`);
  const before = held.now;
  held.now = wrap(before);
  return () => {
    held.now = before;
  };
}

/** What is replaced by now stays so. */
export function keep(): void {
  for (const held of slots.values()) held.real = held.now;
}

export function restore(): void {
  for (const held of slots.values()) held.now = held.real;
}
