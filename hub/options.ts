import type { PrivateKey } from "../shared/node/ssh-key.ts";
import type { Clock, Journal, Log, Random } from "../shared/ports.ts";
import type { Follower } from "./follow/follow.ts";
import type { Memory } from "./memory.ts";
import type { Store, Writer } from "./registry/store.ts";

/** What a hub is made of. */
export interface HubOptions {
  fleet: string;
  store: Store;
  /** The right to write. */
  writer: Pick<Writer, "commit">;
  memory: Memory;
  follower: Follower;
  assignKey: PrivateKey;
  /** How long an assignment set is good for, ms. */
  lifetimeMs: number;
  pollMs: number;
  clock: Clock;
  random: Random;
  journal: Journal;
  log: Log;
}
