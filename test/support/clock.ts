import { systemClock } from "../../shared/node/clock.ts";
import type { Clock, Random } from "../../shared/ports.ts";

/** Time that passes when a test says so. Timers fire in the order of their moments, each at its own; also those set meanwhile. */
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
    const timer = { at: this.passed + Math.max(0, ms), run };
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

/** The machine's clock, which a test may let jump ahead: whoever waits has waited that long, and what is due by then happens at once. */
export class JumpingClock implements Clock {
  private jumped = 0;
  private readonly timers = new Set<{ at: number; run: () => void; cancel: () => void }>();

  now(): number {
    return systemClock.now() + this.jumped;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.jumped;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.monotonic() + Math.max(0, ms), run, cancel: () => {} };
    this.timers.add(timer);
    this.schedule(timer);
    return () => {
      timer.cancel();
      this.timers.delete(timer);
    };
  }

  jump(ms: number): void {
    this.jumped += ms;
    for (const timer of [...this.timers].toSorted((a, b) => a.at - b.at)) {
      timer.cancel();
      this.schedule(timer);
    }
  }

  private schedule(timer: { at: number; run: () => void; cancel: () => void }): void {
    timer.cancel = systemClock.after(timer.at - this.monotonic(), () => {
      this.timers.delete(timer);
      timer.run();
    });
  }
}

/** The same numbers for the same seed, on every machine: mulberry32 (Tommy Ettinger, public domain). */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
