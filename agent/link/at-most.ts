import type { Clock } from "../../shared/ports.ts";

/** Lets so many through within any such time, and no more. */
export class AtMost {
  private readonly clock: Clock;
  private readonly many: number;
  private readonly withinMs: number;
  private let: number[] = [];

  constructor(clock: Clock, many: number, withinMs: number) {
    this.clock = clock;
    this.many = many;
    this.withinMs = withinMs;
  }

  lets(): boolean {
    const now = this.clock.monotonic();
    this.let = this.let.filter((at) => at > now - this.withinMs);
    if (this.let.length >= this.many) return false;
    this.let.push(now);
    return true;
  }
}
