const FIRST_MS = 15_000;
const MOST_DOUBLINGS = 6;

/** How long the hub may leave what was sent without an answer: after that it is sent again, and then waits twice as long. It may be away for days. */
export class Resends {
  #inARow = 0;

  /** Milliseconds. */
  after(): number {
    return FIRST_MS * 2 ** Math.min(this.#inARow, MOST_DOUBLINGS);
  }

  sentAgain(): void {
    this.#inARow += 1;
  }

  /** Or connected anew. */
  answered(): void {
    this.#inARow = 0;
  }
}
