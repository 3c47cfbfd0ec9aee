import { nextTick } from "node:process";

interface Entry {
  time: number;
  seq: number;
  run: (() => void) | null;
}

/** All that will happen, in the order of (time, seq): a binary heap. Times are ms since 1970. */
export class Queue {
  now: number;
  private seq = 0;
  private readonly heap: Entry[] = [];

  constructor(now: number) {
    this.now = now;
  }

  /** Returns the cancel. */
  after(ms: number, run: () => void): () => void {
    const entry: Entry = { time: this.now + Math.max(0, Math.ceil(ms)), seq: (this.seq += 1), run };
    this.push(entry);
    return () => {
      entry.run = null;
    };
  }

  /** The next thing, and time moved on to it; null after the last one, or where it is later than `end`. */
  next(end: number): (() => void) | null {
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.time > end) return null;
      this.pop();
      const { run, time } = first;
      if (run === null) continue;
      this.now = time;
      return run;
    }
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Entry;
      if (before(parent, entry)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = heap[left + 1];
      const child = right !== undefined && before(right, heap[left] as Entry) ? left + 1 : left;
      const next = heap[child];
      if (next === undefined || before(last, next)) break;
      heap[at] = next;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.seq < b.seq);
}

/** Resolves when no promise has anything left to do: Node runs such a tick after the last of them. */
export function allThatFollows(): Promise<void> {
  return new Promise((resolve) => {
    nextTick(resolve);
  });
}

/** As many events from which nothing comes, so many of them waiting at a time. */
export async function bare(events: number, waiting: number): Promise<void> {
  const queue = new Queue(0);
  let left = events;
  const again = () => {
    if ((left -= 1) >= waiting) queue.after(left % 1_000, again);
  };
  for (let index = 0; index < Math.min(waiting, events); index += 1) queue.after(index, again);
  for (let run = queue.next(Number.POSITIVE_INFINITY); run !== null; run = queue.next(Number.POSITIVE_INFINITY)) {
    run();
    await allThatFollows();
  }
}
