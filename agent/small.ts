import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How often it is looked whether anything can be given back, ms. */
const LOOK_MS = 2_000;
/** Growth of the heap since the last collection that is worth one, bytes. */
const WORTH = 1.5 * 1024 * 1024;

/**
 * Keeps the process small: for the rest of its life, so only a program calls it. V8 is made for servers that are always busy. It compiles
 * what runs often to machine code (16 MB of compiler and code, and no faster here: `docs/decisions/0013-a-small-process.md`), and leaves the heap at the size
 * that the last move needed, as little garbage comes after it to make it look again.
 */
export function keepSmall(): void {
  for (const flag of ["--no-opt", "--no-maglev", "--semi-space-growth-factor=1", "--expose-gc"])
    setFlagsFromString(flag);
  const collect = runInNewContext("gc") as () => void;
  let least = 0;
  const look = () => {
    if (getHeapStatistics().used_heap_size < least + WORTH) return;
    collect();
    least = getHeapStatistics().used_heap_size;
  };
  setInterval(look, LOOK_MS).unref();
}
