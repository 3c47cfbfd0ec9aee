import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How often it is looked whether anything can be given back, ms. */
const LOOK_MS = 500;
/** While it is busy, growth of the heap since the last collection that is worth one, bytes. */
const BUSY_WORTH = 8 * 1024 * 1024;
/** It rests where the heap grew by no more than this a look, bytes, for so many looks: a whole collection takes up to 100 ms. */
const REST_GROWTH = 64 * 1024;
const REST_LOOKS = 10;
/** Once it rests, all that was made since it last did that is worth a collection, bytes. */
const REST_WORTH = 1.5 * 1024 * 1024;

/**
 * Keeps the process small: for the rest of its life, so only a program calls it. V8 is made for servers that are always busy. It compiles
 * what runs often to machine code, and leaves the heap at the size that the last move needed, as little garbage comes after it to make it
 * look again. The figures are in `docs/decisions/0013-a-small-process.md`.
 */
export function keepSmall(): void {
  for (const flag of ["--no-opt", "--no-maglev", "--semi-space-growth-factor=1", "--expose-gc"])
    setFlagsFromString(flag);
  const collect = runInNewContext("gc") as (how: { type: "major"; flavor: "regular" | "last-resort" }) => void;
  let kept = 0;
  let before = 0;
  let made = 0;
  let quiet = 0;
  const look = () => {
    const used = getHeapStatistics().used_heap_size;
    const growth = Math.max(0, used - before);
    made += growth;
    before = used;
    quiet = growth <= REST_GROWTH ? quiet + 1 : 0;
    const rests = quiet >= REST_LOOKS;
    if (rests ? made < REST_WORTH : used - kept < BUSY_WORTH) return;
    collect({ type: "major", flavor: rests ? "last-resort" : "regular" });
    kept = getHeapStatistics().used_heap_size;
    before = kept;
    if (rests) made = 0;
  };
  setInterval(look, LOOK_MS).unref();
}
