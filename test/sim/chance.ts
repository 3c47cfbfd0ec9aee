import { seeded } from "../support/clock.ts";

/** All that is drawn in a simulation comes from one seed. */
export class Chance {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = seeded(seed);
  }

  /** True so often. */
  of(probability: number): boolean {
    return this.next() < probability;
  }

  /** From `least` to below `most`. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** Whole, both ends included. */
  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1));
  }

  one<T>(list: readonly T[]): T {
    const found = list[this.whole(0, list.length - 1)];
    if (found === undefined) throw new Error("one of nothing");
    return found;
  }

  /** Most are near `usual`; one in ten is up to twenty times that. */
  delay(usual: number): number {
    return this.of(0.9) ? this.between(0.2 * usual, 2 * usual) : this.between(2 * usual, 20 * usual);
  }

  boot(): string {
    return [0, 1].map(() => this.whole(0, 0xffffffff).toString(16).padStart(8, "0")).join("");
  }
}
