/** Numbered things by when they must be looked at again: a binary heap, in which an entry that another has replaced stays until its time. */
export class Due {
  /** By number. */
  readonly #at: number[] = [];
  readonly #heap: Entry[] = [];

  /** Not later than `at`. One that is earlier already stays: a look too soon costs little, and changes nothing. */
  noLaterThan(number: number, at: number): void {
    if (at >= (this.#at[number] ?? NEVER)) return;
    while (this.#at.length < number) this.#at.push(NEVER);
    this.#at[number] = at;
    this.#push({ number, at });
  }

  /** Takes out those whose time has come. */
  take(now: number): number[] {
    const found: number[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#pop();
      if (this.#at[first.number] !== first.at) continue;
      this.#at[first.number] = NEVER;
      found.push(first.number);
    }
    return found;
  }

  /** When the first time comes; infinity: none does. */
  next(): number {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#at[first.number] === first.at) return first.at;
      this.#pop();
    }
    return NEVER;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let hole = heap.push(entry) - 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent] as Entry;
      if (above.at <= entry.at) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const entry = heap.pop();
    if (entry === undefined || heap.length === 0) return;
    let hole = 0;
    for (let child = 1; child < heap.length; child = 2 * hole + 1) {
      if ((heap[child + 1]?.at ?? Number.POSITIVE_INFINITY) < (heap[child] as Entry).at) child += 1;
      const below = heap[child] as Entry;
      if (below.at >= entry.at) break;
      heap[hole] = below;
      hole = child;
    }
    heap[hole] = entry;
  }
}

const NEVER = Number.POSITIVE_INFINITY;

interface Entry {
  number: number;
  at: number;
}
