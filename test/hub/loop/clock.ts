import type { Clock } from "../../../shared/ports.ts";

/** Time that passes when a test says so. Timers fire in order, each at its own moment. */
export class FakeClock implements Clock {
  private readonly start: number;
  private passed = 0;
  private timers: { at: number; run: () => void }[] = [];

  constructor(start: number) {
    this.start = start;
  }

  now(): number {
    return this.start + this.passed;
  }

  monotonic(): number {
    return this.passed;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.passed + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    const end = this.passed + ms;
    for (let next = this.next(end); next !== undefined; next = this.next(end)) {
      this.passed = next.at;
      this.timers = this.timers.filter((timer) => timer !== next);
      next.run();
    }
    this.passed = end;
  }

  private next(end: number): { at: number; run: () => void } | undefined {
    return this.timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }
}
