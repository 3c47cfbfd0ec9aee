import type { Machine } from "../../shared/node/machine.ts";

/** A machine whose time a test moves, and whose processes it ends. */
export class FakeMachine implements Machine {
  boot = "boot-1";
  self = "1@1@ns";
  time = 1_000;
  readonly gone = new Set<string>();

  now(): number {
    return this.time;
  }

  isGone(name: string): boolean {
    return this.gone.has(name);
  }
}
